import { quantile } from "../base/statistics.ts";

import type { StepKind } from "./correction-shape.ts";
import type { StageObservation } from "./stage-observation.ts";

/** Factors on the tables' price of a step. */
export interface Factors {
  readonly decodeFactor: number;
  readonly prefillFactor: number;
  /** On top of both in iterations that have decoding rows and a prompt's chunk: what they share or take from each other beyond the tables. */
  readonly mixedFactor: number;
}

/** Fewer iterations than this teach nothing that outweighs the tables. */
export const OBSERVATIONS_MIN = 20;
/** A factor beyond these bounds means the tables describe something else. */
const FACTOR_MIN = 0.2;
const FACTOR_MAX = 5;
/** Iterations off by more than this many times the median deviation are disturbances, not the machine's speed. */
const OUTLIER_DEVIATIONS = 6;

/**
 * Factors that meet the means: the first two on iterations of one kind where there are enough of both, else on all.
 *
 * Method: least squares on errors relative to the tables' price; relative to what was measured, slow iterations would count less, and noise of 16 %
 * would make factors 4 % too small.
 */
export function fitFactors(observations: readonly StageObservation[]): Factors {
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

export function scaled({ decodeFactor, prefillFactor, mixedFactor }: Factors, factor: number): Factors {
  return { mixedFactor, decodeFactor: bounded(decodeFactor * factor), prefillFactor: bounded(prefillFactor * factor) };
}

/** What was measured, as a multiple of the corrected prediction. */
export function ratio(one: StageObservation, factors: Factors): number {
  return one.measuredNs / correctedNs(one, factors);
}

function correctedNs(one: StageObservation, { decodeFactor, prefillFactor, mixedFactor }: Factors): number {
  return (isMixed(one) ? mixedFactor : 1) * (decodeFactor * one.predictedDecodeNs + prefillFactor * one.predictedPrefillNs);
}

/** Which of the three kinds a step is. */
export function kindOf(one: StageObservation): StepKind {
  return isMixed(one) ? "mixed" : one.predictedPrefillNs > 0 ? "prefill" : "decode";
}

/** The iterations that are not disturbed, by the median and the median deviation of their own run: a slow run is none of outliers. */
export function withoutOutliers(observations: readonly StageObservation[], factors: Factors): readonly StageObservation[] {
  return [...byRun(observations).values()].flatMap((run) => {
    const ratios = run.map((one) => ratio(one, factors));
    const centre = quantile(ratios, 0.5);
    const deviations = ratios.map((one) => Math.abs(one / centre - 1));
    const bound = OUTLIER_DEVIATIONS * Math.max(0.01, quantile(deviations, 0.5));
    return run.filter((_one, index) => deviations[index]! <= bound);
  });
}

export function byRun(observations: readonly StageObservation[]): ReadonlyMap<number, readonly StageObservation[]> {
  const runs = new Map<number, StageObservation[]>();
  for (const one of observations) {
    const list = runs.get(one.run) ?? [];
    list.push(one);
    runs.set(one.run, list);
  }
  return runs;
}

/** Relative 90 % half-width of single iterations about the median of their run. */
export function noiseOf(observations: readonly StageObservation[], factors: Factors): number {
  const within = [...byRun(observations).values()].flatMap((run) => {
    const ratios = run.map((one) => ratio(one, factors));
    const centre = quantile(ratios, 0.5);
    return ratios.map((one) => Math.abs(one / centre - 1));
  });
  return quantile(within, 0.9);
}
