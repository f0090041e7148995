import { mean, quantile } from "../base/statistics.ts";

/** Time of one iteration that no stage was busy: messages, sampling, the host's own work. Units: ns. */
export interface OverheadObservation {
  readonly run: number;
  readonly sampledRows: number;
  readonly ns: number;
}

/** Overheads above this quantile count as that much: a stall of the machine is no overhead of an iteration. */
const OVERHEAD_KEPT = 0.99;

/** A line through the means of each number of sampled rows, weighted by how often it occurred; never negative. Means, because overheads add up. */
export function fitOverhead(overheads: readonly OverheadObservation[]): { overheadNs: number; overheadPerSampleNs: number } {
  const byRows = new Map<number, number[]>();
  const most = quantile(
    overheads.map(({ ns }) => ns),
    OVERHEAD_KEPT,
  );
  for (const { sampledRows, ns } of overheads) {
    const list = byRows.get(sampledRows) ?? [];
    list.push(Math.min(ns, most));
    byRows.set(sampledRows, list);
  }
  let weight = 0;
  let sumX = 0;
  let sumY = 0;
  const points = [...byRows.entries()].map(([x, list]) => ({ x, y: mean(list), count: list.length }));
  for (const { x, y, count } of points) {
    weight += count;
    sumX += count * x;
    sumY += count * y;
  }
  if (weight === 0) return { overheadNs: 0, overheadPerSampleNs: 0 };
  const meanX = sumX / weight;
  const meanY = sumY / weight;
  let covariance = 0;
  let variance = 0;
  for (const { x, y, count } of points) {
    covariance += count * (x - meanX) * (y - meanY);
    variance += count * (x - meanX) * (x - meanX);
  }
  const slope = variance > 0 ? Math.max(0, covariance / variance) : 0;
  return { overheadNs: Math.max(0, meanY - slope * meanX), overheadPerSampleNs: slope };
}
