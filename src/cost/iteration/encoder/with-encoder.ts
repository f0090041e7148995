import type { Nanoseconds } from "../../../base/units.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import { powerConstantsOf } from "../../energy/iteration-energy.ts";
import { quadrature } from "../../priced.ts";
import { type EngineName, engineOverheads } from "../engines/engine-of.ts";
import type { BatchShape, VisionShape } from "../iteration-cost.ts";
import type { ExplainedCost } from "../iteration-cost-of.ts";
import type { EncoderCost } from "./encoder-cost.ts";

const NONE: VisionShape = { images: 0, patches: 0, patchSquares: 0, tokens: 0 };

/**
 * Relative half-width (90 %) of what encoding takes beyond that of its operators: no engine's encoder was measured here. A guess, as wide as what a family
 * differs by from another that stands for it.
 */
const ENCODER_SPREAD = 0.25;

/** Iterations that encode before they compute anything else: nothing overlaps, so decodes of the batch wait. */
export function withEncoder(cost: ExplainedCost, encoder: EncoderCost): ExplainedCost {
  const encodeNs = (shape: Readonly<BatchShape>): number => encoder.encodeNs(shape.vision ?? NONE);
  return {
    ...cost,
    iterationNs: (shape) => cost.iterationNs(shape) + encodeNs(shape),
    ...joulesOf(cost, encoder, encodeNs),
    parts: (shape) => {
      const ns = encodeNs(shape);
      const parts = cost.parts(shape);
      return ns === 0 ? parts : [...parts, { name: "encoder" as const, ns }].sort((a, b) => b.ns - a.ns);
    },
  };
}

function joulesOf(cost: ExplainedCost, encoder: EncoderCost, encodeNs: (shape: Readonly<BatchShape>) => number) {
  const { iterationJoules } = cost;
  const { encodeWatts } = encoder;
  if (iterationJoules === undefined || encodeWatts === undefined) return {};
  return {
    iterationJoules: (shape: Readonly<BatchShape>, ns: Nanoseconds): number => {
      const own = encodeNs(shape);
      if (own === 0) return iterationJoules(shape, ns);
      // A run's factor stretches both parts alike.
      const rest = cost.iterationNs(shape);
      const encoding = (ns * own) / (own + rest);
      return iterationJoules(shape, ns - encoding) + (encoding / 1e9) * encoder.devices * encodeWatts(shape.vision ?? NONE, encoding);
    },
  };
}

/** Iterations of replicas that encode and do nothing else. */
export function encodeOnlyCost(
  encoder: EncoderCost,
  { sheet, engine }: { readonly sheet: DeviceSheet; readonly engine: EngineName },
): ExplainedCost {
  const { stepNs, sequenceNs } = engineOverheads(engine, sheet, { weights: "bf16", kv: "bf16" });
  const { encodeWatts, devices } = encoder;
  const hostNs = (images: number): number => (images === 0 ? 0 : stepNs + sequenceNs * images);
  const encodeNs = ({ vision = NONE }: Readonly<BatchShape>): number => encoder.encodeNs(vision);
  return {
    devices,
    iterationNs: (shape) => Math.round(encodeNs(shape) + hostNs(shape.vision?.images ?? 0)),
    ...(encodeWatts && {
      iterationJoules: (shape: Readonly<BatchShape>, ns: Nanoseconds) => (ns / 1e9) * devices * encodeWatts(shape.vision ?? NONE, ns),
      joulesSpread: powerConstantsOf(sheet).spread,
    }),
    spread: quadrature(encoder.spread, ENCODER_SPREAD),
    basis: encoder.basis,
    source: `encoder on ${sheet.name}`,
    parts: (shape) => {
      const images = shape.vision?.images ?? 0;
      if (images === 0) return [];
      return [
        { name: "encoder" as const, ns: encodeNs(shape) },
        { name: "engine" as const, ns: hostNs(images) },
      ];
    },
  };
}
