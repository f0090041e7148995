import { predictiveQuantile, quantileOfSorted } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";

/** A predicted figure with its 90 % interval over the runs of an ensemble. */
export interface Bar {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const LOW: Ratio = 0.05;
const HIGH: Ratio = 0.95;

/**
 * Median of the runs that have a value, and the interval one more run falls into nine times in ten; NaN where none has. Below 19 runs it is their
 * whole range, which holds one more run (m - 1) / (m + 1) of the time.
 */
export function barOf(values: readonly number[]): Bar {
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  return { value: quantileOfSorted(sorted, 0.5), low: predictiveQuantile(sorted, LOW), high: predictiveQuantile(sorted, HIGH) };
}
