import { exp, ln } from "../../../base/math.ts";
import type { BusRatio } from "../../import/simai/read-bus-ratios.ts";
import { minimise } from "../../network/collectives/minimise.ts";
import { ncclTime } from "../../network/collectives/nccl-cost.ts";
import type { NetworkFigures } from "../../network/collectives/network-figures.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

/** Numbers of nodes that the ramp is fitted on; the others are held out. */
const FITTED_NODES: readonly number[] = [2, 8, 32, 128];
const PER_NODE = 8;
/** Rate of a card that the ratios are relative to, in bytes/ns. Source: aliyun/SimAI@cef83f9 calbusbw, ConnectX-7. */
const CARD = 48.5;

/**
 * Ratio of a collective over `nodes`: a part of the rate, less what fixed times cost, which grow with a power of the nodes. In an all-to-all, time for peers
 * inside the node comes on top: 7 of them beside 8 x (nodes - 1) others, so its share falls with nodes - 1 (a form chosen after the table was seen).
 */
function ramp([part, half, power, inside]: readonly number[], { bytes, nodes }: BusRatio): number {
  const besides = inside === undefined ? 0 : exp(inside) / (nodes - 1);
  return 1 / ((1 + exp(half! + power! * ln(nodes)) / bytes) / exp(part!) + besides);
}

/** Accuracy of a ramp of three constants over sizes and nodes, on numbers of nodes that it was not fitted on. Rows of one node are another network. */
export function scoreRatioRamp(ratios: readonly BusRatio[], family: string, kind: "ring" | "all-to-all" = "ring"): AccuracyRow {
  const between = ratios.filter(({ nodes }) => nodes > 1);
  const fitted = between.filter(({ nodes }) => FITTED_NODES.includes(nodes));
  const loss = (at: readonly number[]): number => fitted.reduce((sum, row) => sum + Math.abs(ln(ramp(at, row) / row.ratio)), 0);
  const start = minimise(loss, [ln(0.95), ln(1e7), 1, ...(kind === "ring" ? [] : [ln(0.1)])], { steps: 400, size: 0.3 });
  const constants = minimise(loss, start, { steps: 400, size: 0.3 });
  const held = between.filter(({ nodes }) => !FITTED_NODES.includes(nodes));
  const pairs = held.map((row) => ({ predicted: ramp(constants, row), measured: row.ratio }));
  return rowOf(family, `numbers of nodes held out: fitted on ${FITTED_NODES.join(", ")}`, ratios.length - between.length, pairs);
}

/** Accuracy of NCCL's own constants for a ring between nodes; nothing was fitted on the table. */
export function scoreRingConstants(ratios: readonly BusRatio[], figures: NetworkFigures): AccuracyRow {
  const between = ratios.filter(({ nodes }) => nodes > 1);
  const pairs = between.map(({ bytes, nodes, ratio }): PredictedMeasured => {
    const ranks = PER_NODE * nodes;
    const shape = { kind: "all-reduce", bytes, ranks, ranksPerNode: PER_NODE } as const;
    const ns = ncclTime(figures, shape, { algorithm: "ring", protocol: "simple" });
    return { predicted: (bytes * 2 * (ranks - 1)) / ranks / ns / (CARD * PER_NODE), measured: ratio };
  });
  return rowOf(
    "all-reduce between nodes, ring",
    "none of it was fitted on: constants of NCCL's tuner",
    ratios.length - between.length,
    pairs,
  );
}

/** Nodes that the ramp of NCCL's all-to-all, as it is priced, was fitted on. */
const PRICED_FROM: readonly number[] = [4, 8];

/** Accuracy of all-to-all between nodes as it is priced, on the numbers of nodes its ramp was fitted on and on others. */
export function scorePricedAllToAll(ratios: readonly BusRatio[], figures: NetworkFigures): AccuracyRow[] {
  const between = ratios.filter(({ nodes }) => nodes > 1);
  return [true, false].map((inSample) => {
    const rows = between.filter(({ nodes }) => PRICED_FROM.includes(nodes) === inSample);
    const pairs = rows.map(({ bytes, nodes, ratio }): PredictedMeasured => {
      const ranks = PER_NODE * nodes;
      const ns = ncclTime(figures, { kind: "all-to-all", bytes, ranks, ranksPerNode: PER_NODE }, { algorithm: "ring", protocol: "simple" });
      return { predicted: (bytes * (ranks - PER_NODE)) / ranks / ns / CARD, measured: ratio };
    });
    const protocol = inSample ? "in sample: 4 and 8 nodes, which the ramp is fitted on" : "2 and 16 nodes held out of the ramp's fit";
    return rowOf("all-to-all between nodes, as priced", protocol, 0, pairs);
  });
}

function rowOf(family: string, protocol: string, ownNode: number, pairs: readonly PredictedMeasured[]): AccuracyRow {
  const excluded = ownNode > 0 ? { "one node: links inside it, not cards": ownNode } : {};
  return {
    dataSet: "simai-busbw-ratios",
    protocol,
    family,
    device: "8-GPU nodes with 8 cards of 400 Gbit/s",
    engine: "SimAI's measurements",
    excluded,
    ...errorFigures(pairs),
  };
}
