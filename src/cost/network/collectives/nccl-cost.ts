import { log2 } from "../../../base/math.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import { curveNs, ringSteps } from "./collective-curve.ts";
import { FITTED_CURVES } from "./fitted-curves.ts";
import { type Algorithm, BASE_LATENCY, GENERATION_CONSTANTS, HOP_LATENCY, PROTOCOLS, type Protocol } from "./nccl-constants.ts";
import type { NetworkFigures, NetworkGeneration } from "./network-figures.ts";

/** A collective as the cost functions see it: whole numbers checked by the caller. */
export interface CollectiveShape {
  readonly kind: CollectiveKind;
  readonly bytes: number;
  readonly ranks: number;
  readonly ranksPerNode: number;
}

export interface NcclChoice {
  readonly algorithm: Algorithm;
  readonly protocol: Protocol;
  readonly ns: number;
}

/** Channels NCCL opens inside a node: 24 on systems with a switch. Source: NVIDIA/nccl@5067397 src/graph; fitted to the table of 8 H100. */
const CHANNELS = 24;
/** Share of a network card's rate that NCCL counts on. Source: NVIDIA/nccl@5067397 src/graph/topo.h, steps of 48 GB/s for cards of 50. */
const NETWORK_SHARE = 0.96;
/** A tree's all-reduce keeps links busy for this share of the time. Source: NVIDIA/nccl@5067397 src/graph/tuning.cc. */
const TREE_SHARE = 0.92;
const TREE_LL_SHARE = 1 / 3.8;
const RING_LL_SHARE = 0.5;
const RING_LL128_SHARE = 0.92;
const TREE_LL128_SHARE = [7 / 9, 120 / 128] as const;

/** The cheapest algorithm and protocol, as NCCL's own tuner prices them. Units: ns. */
export function ncclChoice(figures: NetworkFigures, shape: CollectiveShape): NcclChoice {
  let best: NcclChoice = { algorithm: "ring", protocol: "simple", ns: Number.POSITIVE_INFINITY };
  for (const algorithm of algorithmsOf(figures, shape)) {
    for (const protocol of PROTOCOLS) {
      const ns = ncclTime(figures, shape, { algorithm, protocol });
      if (ns < best.ns) best = { algorithm, protocol, ns };
    }
  }
  return best;
}

function algorithmsOf(figures: NetworkFigures, { kind, ranks }: CollectiveShape): Algorithm[] {
  if (kind === "all-to-all" || kind === "broadcast") return ["ring"];
  const algorithms: Algorithm[] = ["ring"];
  if (kind === "all-reduce") algorithms.push("tree");
  if (figures.scaleUp.reducesInSwitch && ranks > 2) algorithms.push("nvls");
  return algorithms;
}

/** NCCL's price of one algorithm and protocol. Units: ns. */
export function ncclTime(
  figures: NetworkFigures,
  shape: CollectiveShape,
  by: { readonly algorithm: Algorithm; readonly protocol: Protocol },
): number {
  const rate = algorithmRate(figures, shape, by.algorithm, by.protocol);
  if (!(rate > 0)) return Number.POSITIVE_INFINITY;
  return latency(figures, shape, by.algorithm, by.protocol) + shape.bytes / rate;
}

function latency(figures: NetworkFigures, shape: CollectiveShape, algorithm: Algorithm, protocol: Protocol): number {
  const nodes = shape.ranks / shape.ranksPerNode;
  const hop = HOP_LATENCY[algorithm];
  const inside = (figures.scaleUp.throughHost === true ? hop.pcie : hop.nvlink)[protocol];
  const across =
    Math.max(figures.scaleOut?.latencyNs ?? 0, hop.network[protocol]) * (protocol === "simple" && algorithm === "ring" ? 2 : 1);
  const base = BASE_LATENCY[algorithm][protocol];
  if (algorithm === "nvls") return base + inside + (nodes > 1 ? across : 0);
  if (algorithm === "tree") return base + 2 * ((shape.ranksPerNode - 1) * inside + log2(nodes) * (nodes > 1 ? across : 0));
  const steps = ringSteps(shape.kind, shape.ranks);
  const crossing = nodes > 1 ? Math.min(steps, shape.kind === "all-reduce" ? 2 * (nodes - 1) : nodes - 1) : 0;
  return base + (steps - crossing) * inside + crossing * across;
}

/** Bytes of the buffer over time. Units: bytes/ns. */
function algorithmRate(figures: NetworkFigures, shape: CollectiveShape, algorithm: Algorithm, protocol: Protocol): number {
  const nodes = shape.ranks / shape.ranksPerNode;
  const at = nodes > 2 ? 2 : nodes > 1 ? 1 : 0;
  const constants = GENERATION_CONSTANTS[generationOf(figures)];
  const link = figures.scaleUp.bytesPerSecond / 1e9;
  const inside = link * (figures.scaleUp.throughHost === true ? 0.8 : constants.linkShare);
  // Rails: each device of a node has a card of its own, so a node's rate is their sum.
  const card = (figures.scaleOut?.bytesPerSecond ?? 0) / 1e9;
  const across = figures.scaleOut?.measured === true ? card : card * NETWORK_SHARE;
  const bus = nodes > 1 ? Math.min(inside, across * shape.ranksPerNode) : inside;
  if (shape.kind === "all-to-all") {
    const byCard = figures.scaleOut?.measured === true ? card : card * ALL_TO_ALL.share;
    return allToAllRate(shape, { inside: protocol === "simple" ? peersRate(figures, shape, inside) : inside, card: byCard }, protocol);
  }
  const steps = shape.kind === "all-reduce" ? 2 * (shape.ranks - 1) : shape.kind === "broadcast" ? shape.ranks : shape.ranks - 1;
  const perBus = shape.ranks / steps;
  if (algorithm === "nvls") return nvlsRate(shape, inside * constants.nvlsEfficiency, bus, protocol, nodes);
  if (algorithm === "tree") {
    let rate = Math.min(bus * TREE_SHARE, CHANNELS * constants.treeChannel[at]);
    if (protocol === "ll") rate = Math.min(rate * TREE_LL_SHARE, constants.llMax[at]);
    if (protocol === "ll128") rate = Math.min(rate * TREE_LL128_SHARE[nodes > 1 ? 1 : 0], CHANNELS * constants.treeLl128Channel[at]);
    return rate * 0.5;
  }
  if (protocol === "ll") return Math.min(bus * RING_LL_SHARE, constants.llMax[at]) * perBus;
  if (protocol === "ll128") return Math.min(bus * RING_LL128_SHARE, CHANNELS * constants.ringLl128Channel) * perBus;
  return bus * perBus;
}

function nvlsRate(shape: CollectiveShape, rate: number, bus: number, protocol: Protocol, nodes: number): number {
  if (protocol !== "simple" || !(rate > 0)) return 0;
  const limited = nodes > 1 ? Math.min(rate, bus) : rate;
  const n = shape.ranks;
  return shape.kind === "all-reduce" ? (limited * 2 * n) / (2 * (n - 1)) : (limited * n) / (n - 1);
}

/** Part of a card's rate that large all-to-alls reach, and bytes at which half of that is lost; below the least measured size the part stays. */
const ALL_TO_ALL = { share: 0.93, halfBytes: 6.5e6, measuredFrom: 16_777_216 } as const;

/**
 * Rate at which a rank's sends to the others of its node move: what bytes add to an all-to-all inside one node, which its family was measured at; that of
 * its links where it was not. Units: bytes/ns.
 */
function peersRate({ scaleUp, generation }: NetworkFigures, { bytes, ranks, ranksPerNode }: CollectiveShape, links: number): number {
  const lines = generation === undefined || scaleUp.throughHost === true ? undefined : FITTED_CURVES.nccl[generation]["all-to-all"]?.lines;
  if (lines === undefined || ranksPerNode < 2 || bytes === 0) return links;
  const own = (bytes * ranksPerNode) / ranks;
  const at = (size: number): number =>
    curveNs(lines, scaleUp.bytesPerSecond / 1e9, { kind: "all-to-all", bytes: size, ranks: ranksPerNode });
  return (own * (ranksPerNode - 1)) / ranksPerNode / (at(own) - at(0));
}

/**
 * Every rank sends bytes/ranks to every other, inside and across in turn: the sends of one kernel share its channels.
 *
 * Source: ramp across nodes fitted on aliyun/SimAI@cef83f9 ata_ratio.csv, 4 and 8 nodes; inside, where 7 of 15 peers are over 2 nodes, the curve of all-to-alls
 * in one node (`fitted-curves.ts`, other machines). What is left over 16 nodes, 13 % too fast, is not explained.
 */
function allToAllRate(shape: CollectiveShape, rate: { readonly inside: number; readonly card: number }, protocol: Protocol): number {
  if (protocol === "ll128") return 0;
  const n = shape.ranks;
  const local = shape.ranksPerNode;
  const share = protocol === "ll" ? RING_LL_SHARE : 1;
  const inside = local > 1 ? (n / (local - 1)) * rate.inside * share : Number.POSITIVE_INFINITY;
  const size = Math.max(shape.bytes, ALL_TO_ALL.measuredFrom);
  const reached = size / (size + ALL_TO_ALL.halfBytes);
  const across = n > local ? (n / (n - local)) * rate.card * reached * share : Number.POSITIVE_INFINITY;
  return 1 / (1 / inside + 1 / across);
}

/** The family whose constants hold: the stated one, else that of the nearest rate of a device's links (300, 450, 900 GB/s). */
export function generationOf({ generation, scaleUp }: NetworkFigures): NetworkGeneration {
  if (generation !== undefined) return generation;
  return scaleUp.bytesPerSecond < 370e9 ? "ampere" : scaleUp.bytesPerSecond < 640e9 ? "hopper" : "blackwell";
}
