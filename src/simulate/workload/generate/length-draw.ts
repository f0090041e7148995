import { exp, ln } from "../../../base/math.ts";
import type { Prng } from "../../../base/prng.ts";
import { normalDraw } from "../../../base/statistics.ts";
import { WORKLOAD_TOKENS_MAX } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";
import { decimal, type SpecFields, wholeNumber } from "./spec.ts";

/** Draws a number of tokens, at least 1. */
export type LengthDraw = (prng: Prng) => number;

/**
 * A distribution of lengths: `500` (fixed), `50-600` (uniform) or `lognormal:1000:0.8` (mean, and standard deviation over mean).
 *
 * Errors: `workload-invalid` naming the field.
 */
export function lengthDraw(spec: SpecFields, field: string): LengthDraw {
  const text = spec.text(field);
  if (text.startsWith("lognormal:")) return lognormal(text, field);
  const [low = "", high = low, ...more] = text.split("-");
  if (more.length > 0) throw workloadInvalid({ field }, "500, 50-600 or lognormal:1000:0.8 is meant");
  const least = wholeNumber(low, { field, least: 1, most: WORKLOAD_TOKENS_MAX });
  const most = wholeNumber(high, { field, least, most: WORKLOAD_TOKENS_MAX });
  return (prng) => least + prng.nextBelow(most - least + 1);
}

function lognormal(text: string, field: string): LengthDraw {
  const [, mean = NaN, variation = NaN, ...more] = text.split(":").map(decimal);
  if (!(mean >= 1 && mean <= WORKLOAD_TOKENS_MAX && variation > 0 && variation <= 100) || more.length > 0) {
    throw workloadInvalid({ field }, "lognormal:mean:cv is meant, such as lognormal:1000:0.8");
  }
  // Of a lognormal variable: cv squared = exp(s squared) - 1, mean = exp(m + s squared / 2).
  const square = ln(1 + variation * variation);
  const middle = ln(mean) - square / 2;
  return (prng) => Math.min(WORKLOAD_TOKENS_MAX, Math.max(1, Math.round(exp(middle + Math.sqrt(square) * normalDraw(prng)))));
}
