import { quantile } from "../base/statistics.ts";

/** One iteration of one stage as it ran live, beside what the tables had said of its two parts. Units: ns. */
export interface StageObservation {
  /** Runs are numbered apart: what differs between runs is systematic, what differs within one is noise. */
  readonly run: number;
  readonly predictedDecodeNs: number;
  readonly predictedPrefillNs: number;
  readonly measuredNs: number;
}

/** Time of one iteration that no stage was busy: messages, sampling, the host's own work. Units: ns. */
export interface OverheadObservation {
  readonly run: number;
  readonly sampledRows: number;
  readonly ns: number;
}

/** What live runs taught about one plan's stages on one rack: factors on the tables' prices, and the overhead of an iteration. */
export interface Correction {
  readonly decodeFactor: number;
  readonly prefillFactor: number;
  /** Overhead of an iteration: fixed, and per sampled row. */
  readonly overheadNs: number;
  readonly overheadPerSampleNs: number;
  /** Relative 90 % half-widths: between runs, and of single iterations within a run. */
  readonly systematic: number;
  readonly noise: number;
  readonly observations: number;
  readonly runs: number;
}

/** Without a second run to compare with, the next one may differ from the first by this. Source: repeated runs on a shared 2-core machine. */
const SINGLE_RUN_SYSTEMATIC = 0.12;
/** Two or three runs show less than the whole of the variation between runs. */
const FEW_RUNS = 4;
/** Fewer iterations than this teach nothing that outweighs the tables. */
const OBSERVATIONS_MIN = 20;
/** A factor beyond these bounds means the tables describe something else. */
const FACTOR_MIN = 0.2;
const FACTOR_MAX = 5;
/** Iterations off by more than this many times the median deviation are disturbances, not the machine's speed. */
const OUTLIER_DEVIATIONS = 6;

/**
 * Fits a correction to live iterations; `undefined` when there are too few to outweigh the tables.
 *
 * Model: measured = decodeFactor x predicted decode + prefillFactor x predicted prefill, least squares on relative errors, refitted once without
 * outliers; overhead = fixed + per sample x rows, on medians. Within-run scatter is noise; what the runs' medians differ by is systematic.
 */
export function fitCorrection(stages: readonly StageObservation[], overheads: readonly OverheadObservation[]): Correction | undefined {
  const usable = stages.filter((one) => one.measuredNs > 0 && one.predictedDecodeNs + one.predictedPrefillNs > 0);
  if (usable.length < OBSERVATIONS_MIN) return undefined;
  const first = fitFactors(usable);
  const deviations = usable.map((one) => Math.abs(residual(one, first)));
  const bound = OUTLIER_DEVIATIONS * Math.max(0.01, quantile(deviations, 0.5));
  const kept = usable.filter((_one, index) => deviations[index]! <= bound);
  const factors = fitFactors(kept);
  const spread = spreadOf(usable, factors);
  return { ...factors, ...fitOverhead(overheads), ...spread, observations: usable.length };
}

interface Factors {
  readonly decodeFactor: number;
  readonly prefillFactor: number;
}

function fitFactors(observations: readonly StageObservation[]): Factors {
  let dd = 0;
  let dp = 0;
  let pp = 0;
  let d1 = 0;
  let p1 = 0;
  for (const { predictedDecodeNs, predictedPrefillNs, measuredNs } of observations) {
    const decode = predictedDecodeNs / measuredNs;
    const prefill = predictedPrefillNs / measuredNs;
    dd += decode * decode;
    dp += decode * prefill;
    pp += prefill * prefill;
    d1 += decode;
    p1 += prefill;
  }
  const determinant = dd * pp - dp * dp;
  if (determinant <= 1e-9 * Math.max(1e-9, dd * pp)) {
    // Only one kind of iteration, or always in one proportion: one factor for both.
    const both = (d1 + p1) / Math.max(1e-12, dd + 2 * dp + pp);
    return { decodeFactor: bounded(both), prefillFactor: bounded(both) };
  }
  return { decodeFactor: bounded((d1 * pp - p1 * dp) / determinant), prefillFactor: bounded((p1 * dd - d1 * dp) / determinant) };
}

function bounded(factor: number): number {
  return Math.min(FACTOR_MAX, Math.max(FACTOR_MIN, factor));
}

/** Relative deviation of what was measured from the corrected prediction. */
function residual(one: StageObservation, factors: Factors): number {
  const predicted = factors.decodeFactor * one.predictedDecodeNs + factors.prefillFactor * one.predictedPrefillNs;
  return one.measuredNs / predicted - 1;
}

function spreadOf(observations: readonly StageObservation[], factors: Factors): { systematic: number; noise: number; runs: number } {
  const byRun = new Map<number, number[]>();
  for (const one of observations) {
    const list = byRun.get(one.run) ?? [];
    list.push(residual(one, factors));
    byRun.set(one.run, list);
  }
  const centres = [...byRun.values()].map((list) => quantile(list, 0.5));
  const within = [...byRun.values()].flatMap((list, index) => list.map((value) => Math.abs(value - centres[index]!)));
  const runs = centres.length;
  const largest = centres.reduce((most, centre) => Math.max(most, Math.abs(centre)), 0);
  const seen = runs < FEW_RUNS ? Math.max(SINGLE_RUN_SYSTEMATIC / runs, largest * 1.5) : quantile(centres.map(Math.abs), 0.9) * 1.25;
  return { systematic: Math.max(0.02, seen), noise: quantile(within, 0.9), runs };
}

/** A line through the medians of each number of sampled rows, weighted by how often it occurred; never negative. */
function fitOverhead(overheads: readonly OverheadObservation[]): { overheadNs: number; overheadPerSampleNs: number } {
  const byRows = new Map<number, number[]>();
  for (const { sampledRows, ns } of overheads) {
    const list = byRows.get(sampledRows) ?? [];
    list.push(ns);
    byRows.set(sampledRows, list);
  }
  let weight = 0;
  let sumX = 0;
  let sumY = 0;
  const points = [...byRows.entries()].map(([x, list]) => ({ x, y: quantile(list, 0.5), count: list.length }));
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
