import type { CollectiveKind } from "../../operator/operator-query.ts";

/**
 * One way of doing a collective inside a node: a base, steps in turn, and bytes over the links of a device.
 *
 * Model: time = base + steps x step + bytes x crossings / (share x rate of the links).
 */
export interface CurveLine {
  /**
   * Bytes that cross a device's links for a byte of the buffer: `ring` (n - 1) / n, twice that for all-reduce; `gather` n - 1, every rank reads all
   * of every other; `switch` 1, the switch adds up.
   */
  readonly crossings: "ring" | "gather" | "switch";
  /** Steps in turn: those of a ring, or 1. */
  readonly steps: "ring" | "once";
  /** Least number of ranks that can do it so. */
  readonly ranksMin: number;
  /** Units: ns. */
  readonly baseNs: number;
  readonly stepNs: number;
  /** Part of the links' data-sheet rate. */
  readonly share: number;
}

/** The ways a library has; it takes nearly the fastest. */
export type CollectiveCurve = readonly CurveLine[];

/** What a curve is asked for: bytes as nccl-tests counts them. */
export interface CurvePoint {
  readonly kind: CollectiveKind;
  readonly bytes: number;
  readonly ranks: number;
}

/**
 * Time of a collective of at least 2 ranks inside one node. Units: ns; `linkRate` bytes/ns.
 *
 * Why: near a crossing of two lines the measured curve is below both by some percent, which the root of the sum of inverse eighth powers follows.
 */
export function curveNs(curve: CollectiveCurve, linkRate: number, { kind, bytes, ranks }: CurvePoint): number {
  const ring = ringSteps(kind, ranks);
  const share = ((kind === "all-reduce" ? 2 : 1) * (ranks - 1)) / ranks;
  let fastest = Number.POSITIVE_INFINITY;
  for (const line of curve)
    if (ranks >= line.ranksMin) fastest = Math.min(fastest, lineNs(line, ring, bytes * crossings(line, share, ranks), linkRate));
  let sum = 0;
  for (const line of curve) {
    if (ranks < line.ranksMin) continue;
    const ratio = fastest / lineNs(line, ring, bytes * crossings(line, share, ranks), linkRate);
    const fourth = ratio * ratio * ratio * ratio;
    sum += fourth * fourth;
  }
  return fastest / Math.sqrt(Math.sqrt(Math.sqrt(sum)));
}

/** Steps of a ring: what a rank sends in turn. All-to-all sends to all at once. */
export function ringSteps(kind: CollectiveKind, ranks: number): number {
  if (kind === "all-reduce") return 2 * (ranks - 1);
  return kind === "all-to-all" ? 1 : ranks - 1;
}

function crossings(line: CurveLine, ring: number, ranks: number): number {
  return line.crossings === "ring" ? ring : line.crossings === "gather" ? ranks - 1 : 1;
}

function lineNs(line: CurveLine, ring: number, crossing: number, linkRate: number): number {
  return line.baseNs + (line.steps === "ring" ? ring : 1) * line.stepNs + crossing / (line.share * linkRate);
}
