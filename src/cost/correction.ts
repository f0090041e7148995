import { exp, ln } from "../base/math.ts";
import { mean, quantile } from "../base/statistics.ts";
import { runSpread } from "./run-spread.ts";
import { fitLasting, type LastingNoise } from "./step-noise.ts";

/** One iteration of one stage as it ran live, beside what the tables had said of its two parts; those of a run are in order. Units: ns. */
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
  /** On top of both in iterations that have decoding rows and a prompt's chunk: what they share or take from each other beyond the tables. */
  readonly mixedFactor: number;
  /** Overhead of an iteration: fixed, and per sampled row. */
  readonly overheadNs: number;
  readonly overheadPerSampleNs: number;
  /** Relative 90 % half-widths: of the next run as a whole, and of single iterations within a run. */
  readonly systematic: number;
  readonly noise: number;
  /** Degrees of freedom of the first: few runs leave thick tails. */
  readonly freedom: number;
  /** What of the second lasts over iterations. */
  readonly lasting: LastingNoise;
  readonly observations: number;
  readonly runs: number;
}

/** Fewer iterations than this teach nothing that outweighs the tables. */
const OBSERVATIONS_MIN = 20;
/** A factor beyond these bounds means the tables describe something else. */
const FACTOR_MIN = 0.2;
const FACTOR_MAX = 5;
/** Iterations off by more than this many times the median deviation are disturbances, not the machine's speed. */
const OUTLIER_DEVIATIONS = 6;
/** Overheads above this quantile count as that much: a stall of the machine is no overhead of an iteration. */
const OVERHEAD_KEPT = 0.99;

/**
 * Fits a correction to live iterations; `undefined` when there are too few to outweigh the tables.
 *
 * Model: measured = decodeFactor x predicted decode + prefillFactor x predicted prefill, and mixedFactor times that where an iteration has both; least
 * squares on errors relative to the tables' price, the first two factors on iterations of one kind where there are enough of both, so that means are met (relative to what was measured, slow iterations count less and noise of 16 % makes factors 4 % too small); refitted once without
 * outliers, and scaled so that each run counts alike. Overhead = fixed + per sample x rows, on means. Within-run scatter is noise; what the runs' means
 * differ by says how far the next run may lie off.
 */
export function fitCorrection(stages: readonly StageObservation[], overheads: readonly OverheadObservation[]): Correction | undefined {
  const usable = stages.filter((one) => one.measuredNs > 0 && one.predictedDecodeNs + one.predictedPrefillNs > 0);
  if (usable.length < OBSERVATIONS_MIN) return undefined;
  const factors = fitFactors(withoutOutliers(usable, fitFactors(usable)));
  const kept = [...byRun(withoutOutliers(usable, factors)).values()];
  const deviations = kept.map((run) => ln(mean(run.map((one) => ratio(one, factors)))));
  const centred = scaled(factors, exp(mean(deviations)));
  return {
    ...centred,
    ...fitOverhead(overheads),
    ...runSpread(deviations),
    noise: noiseOf(usable, centred),
    lasting: fitLasting(kept.map((run) => run.map((one) => ln(ratio(one, centred))))),
    observations: usable.length,
    runs: kept.length,
  };
}

interface Factors {
  readonly decodeFactor: number;
  readonly prefillFactor: number;
  readonly mixedFactor: number;
}

function fitFactors(observations: readonly StageObservation[]): Factors {
  const mixed = observations.filter(isMixed);
  const decodes = observations.filter(({ predictedPrefillNs }) => predictedPrefillNs === 0);
  const prefills = observations.filter(({ predictedDecodeNs }) => predictedDecodeNs === 0);
  const apart = Math.min(mixed.length, decodes.length, prefills.length) >= OBSERVATIONS_MIN;
  const parts = { ...fitParts(apart ? [...decodes, ...prefills] : observations), mixedFactor: 1 };
  if (!apart) return parts;
  let pp = 0;
  let pm = 0;
  for (const one of mixed) {
    const total = one.predictedDecodeNs + one.predictedPrefillNs;
    const predicted = correctedNs(one, parts) / total;
    pp += predicted * predicted;
    pm += predicted * (one.measuredNs / total);
  }
  return { ...parts, mixedFactor: bounded(pm / pp) };
}

function isMixed({ predictedDecodeNs, predictedPrefillNs }: StageObservation): boolean {
  return predictedDecodeNs > 0 && predictedPrefillNs > 0;
}

function fitParts(observations: readonly StageObservation[]): Omit<Factors, "mixedFactor"> {
  let dd = 0;
  let dp = 0;
  let pp = 0;
  let d1 = 0;
  let p1 = 0;
  for (const { predictedDecodeNs, predictedPrefillNs, measuredNs } of observations) {
    const total = predictedDecodeNs + predictedPrefillNs;
    const decode = predictedDecodeNs / total;
    const prefill = predictedPrefillNs / total;
    const measured = measuredNs / total;
    dd += decode * decode;
    dp += decode * prefill;
    pp += prefill * prefill;
    d1 += decode * measured;
    p1 += prefill * measured;
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

function scaled({ decodeFactor, prefillFactor, mixedFactor }: Factors, factor: number): Factors {
  return { mixedFactor, decodeFactor: bounded(decodeFactor * factor), prefillFactor: bounded(prefillFactor * factor) };
}

/** What was measured, as a multiple of the corrected prediction. */
function ratio(one: StageObservation, factors: Factors): number {
  return one.measuredNs / correctedNs(one, factors);
}

function correctedNs(one: StageObservation, { decodeFactor, prefillFactor, mixedFactor }: Factors): number {
  return (isMixed(one) ? mixedFactor : 1) * (decodeFactor * one.predictedDecodeNs + prefillFactor * one.predictedPrefillNs);
}

/** The iterations that are not disturbed, by the median and the median deviation of their own run: a slow run is none of outliers. */
function withoutOutliers(observations: readonly StageObservation[], factors: Factors): readonly StageObservation[] {
  return [...byRun(observations).values()].flatMap((run) => {
    const ratios = run.map((one) => ratio(one, factors));
    const centre = quantile(ratios, 0.5);
    const deviations = ratios.map((one) => Math.abs(one / centre - 1));
    const bound = OUTLIER_DEVIATIONS * Math.max(0.01, quantile(deviations, 0.5));
    return run.filter((_one, index) => deviations[index]! <= bound);
  });
}

function byRun(observations: readonly StageObservation[]): ReadonlyMap<number, readonly StageObservation[]> {
  const runs = new Map<number, StageObservation[]>();
  for (const one of observations) {
    const list = runs.get(one.run) ?? [];
    list.push(one);
    runs.set(one.run, list);
  }
  return runs;
}

/** Relative 90 % half-width of single iterations about the median of their run. */
function noiseOf(observations: readonly StageObservation[], factors: Factors): number {
  const within = [...byRun(observations).values()].flatMap((run) => {
    const ratios = run.map((one) => ratio(one, factors));
    const centre = quantile(ratios, 0.5);
    return ratios.map((one) => Math.abs(one / centre - 1));
  });
  return quantile(within, 0.9);
}

/** A line through the means of each number of sampled rows, weighted by how often it occurred; never negative. Means, because overheads add up. */
function fitOverhead(overheads: readonly OverheadObservation[]): { overheadNs: number; overheadPerSampleNs: number } {
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
