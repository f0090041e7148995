import { assert } from "../../base/assert.ts";

/**
 * Layers of one model to be placed on unlike machines, each of which holds a contiguous range, so that most tokens a second flow from layer to layer.
 *
 * Units: tokens are tokens of prompts and outputs together; rates are tokens/s; a link's rate is its bytes/s by the bytes of one token's activation (of
 * one token id at the two ends).
 * Source: the model of Mei et al., "Helix: serving large language models over heterogeneous GPUs and network via max-flow" (ASPLOS 2025), section 4.
 */
export interface LayerFlowProblem {
  readonly layers: number;
  readonly kinds: readonly MachineKind[];
  /** Kind of every machine. */
  readonly machines: readonly number[];
  /** Rate of the link from machine i to machine j at `i * machines + j`; 0 for none. */
  readonly links: Float64Array;
  /** Rates of the links from where requests come in, and to where they leave. */
  readonly sourceLinks: Float64Array;
  readonly sinkLinks: Float64Array;
  /**
   * Whether a machine may hand on to one that holds earlier layers as well and skips those (partial inference). Without it, a range must start where
   * another ends.
   */
  readonly overlap: boolean;
}

/** Machines that are alike. */
export interface MachineKind {
  readonly name: string;
  /** Rate with 1, 2, ... layers held; as long as memory allows layers. It need not fall. */
  readonly tokensPerSec: readonly number[];
}

/** First layer and number of layers of every machine; a machine with 0 layers is left out. */
export interface Placement {
  readonly start: Int32Array;
  readonly count: Int32Array;
}

/** Rate of a machine that holds `count` layers. */
export function rateOf({ kinds, machines }: LayerFlowProblem, machine: number, count: number): number {
  return count === 0 ? 0 : kinds[machines[machine]!]!.tokensPerSec[count - 1]!;
}

/** Layers a machine can hold. */
export function layersMax({ kinds, machines, layers }: LayerFlowProblem, machine: number): number {
  return Math.min(layers, kinds[machines[machine]!]!.tokensPerSec.length);
}

/** Asserts what every part of the planner takes for granted. */
export function checkLayerFlow({ layers, kinds, machines, links, sourceLinks, sinkLinks }: LayerFlowProblem): void {
  assert(Number.isInteger(layers) && layers > 0, "a model has layers", layers);
  assert(machines.length > 0 && machines.every((kind) => kinds[kind] !== undefined), "every machine is of a kind", machines);
  assert(links.length === machines.length * machines.length, "there is a link rate for each pair", links.length);
  assert(sourceLinks.length === machines.length && sinkLinks.length === machines.length, "every machine has its links to the ends");
  const rates = [...kinds.flatMap(({ tokensPerSec }) => tokensPerSec), ...links, ...sourceLinks, ...sinkLinks];
  assert(
    rates.every((rate) => rate >= 0),
    "rates are not negative",
  );
}
