import { assert } from "./assert.ts";
import { ln, pow } from "./math.ts";
import type { Prng } from "./prng.ts";
import type { Ratio } from "./units.ts";

/** Mean and the quantiles every report shows. */
export interface Summary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Summary of a list; all NaN for an empty one. Complexity: one sort. */
export function summarise(values: Float64Array | readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  return {
    mean: mean(sorted),
    p50: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    p99: quantileOfSorted(sorted, 0.99),
  };
}

/** Arithmetic mean; NaN of an empty list. */
export function mean(values: Float64Array | readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? NaN : sum / values.length;
}

/** The `share` quantile (0 to 1), linear between order statistics; NaN of an empty list. */
export function quantile(values: Float64Array | readonly number[], share: Ratio): number {
  return quantileOfSorted(Float64Array.from(values).sort(), share);
}

/** As `quantile`, of values in rising order. */
export function quantileOfSorted(sorted: Float64Array, share: Ratio): number {
  assert(share >= 0 && share <= 1, "a quantile lies between 0 and 1", { share });
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (at - low);
}

/**
 * Value that one more draw stays below with probability `share`, from draws in rising order; the least or the largest where that lies beyond them.
 *
 * Why: of m draws and one more each order is as likely, so the k-th smallest is above it k times in m + 1; the quantile of the draws themselves is too
 * near their middle. Source: Hyndman and Fan (1996), definition 6.
 */
export function predictiveQuantile(sorted: Float64Array, share: Ratio): number {
  assert(share >= 0 && share <= 1, "a quantile lies between 0 and 1", { share });
  const last = sorted.length - 1;
  const rank = share * (sorted.length + 1) - 1;
  return last <= 0 ? quantileOfSorted(sorted, 0.5) : quantileOfSorted(sorted, Math.min(last, Math.max(0, rank)) / last);
}

/** Quantile of the standard normal distribution at 0.95: the half-width of a central 90 % interval in standard deviations. */
export const NORMAL_90 = 1.6448536269514722;

/** A draw from the standard normal distribution (Marsaglia's polar method). */
export function normalDraw(prng: Prng): number {
  for (;;) {
    const u = 2 * prng.nextFloat() - 1;
    const v = 2 * prng.nextFloat() - 1;
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * ln(s)) / s);
  }
}

/**
 * Value below which a standard normal variable stays with probability `share`, 0 < share < 1.
 *
 * Source: rational approximation of Acklam (2003), relative error below 1.2e-9.
 */
export function normalQuantile(share: Ratio): number {
  assert(share > 0 && share < 1, "a normal quantile needs a share inside (0, 1)", { share });
  if (share > 0.5) return -normalQuantile(1 - share);
  if (share < 0.02425) {
    const q = Math.sqrt(-2 * ln(share));
    return polynomial(TAIL_NUMERATOR, q) / polynomial(TAIL_DENOMINATOR, q);
  }
  const q = share - 0.5;
  return (polynomial(CENTRE_NUMERATOR, q * q) * q) / polynomial(CENTRE_DENOMINATOR, q * q);
}

const CENTRE_NUMERATOR = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const CENTRE_DENOMINATOR = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
const TAIL_NUMERATOR = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783,
];
const TAIL_DENOMINATOR = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
}

/** The integers 0 to count - 1 in an order drawn from `prng` (Fisher-Yates). */
export function shuffledIndices(count: number, prng: Prng): Int32Array {
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = prng.nextBelow(i + 1);
    const held = indices[i]!;
    indices[i] = indices[j]!;
    indices[j] = held;
  }
  return indices;
}

/**
 * A draw from the gamma distribution of mean `shape` and scale 1, shape > 0.
 *
 * Source: Marsaglia and Tsang (2000), "A simple method for generating gamma variables"; shapes below 1 through shape + 1.
 */
export function gammaDraw(shape: number, prng: Prng): number {
  assert(shape > 0, "a gamma distribution has a shape above 0", { shape });
  if (shape < 1) return gammaDraw(shape + 1, prng) * pow(1 - prng.nextFloat(), 1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normalDraw(prng);
    const v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (v > 0 && ln(1 - prng.nextFloat()) < (x * x) / 2 + d * (1 - v + ln(v))) return d * v;
  }
}
