import { assert } from "./assert.ts";
import { atan } from "./math.ts";
import type { Ratio } from "./units.ts";

/** Bisections of the quantile: more than a double has bits. */
const BISECTIONS = 60;

/**
 * Value below which a variable of Student's t distribution stays with probability `share`, 0 < share < 1.
 *
 * Complexity: O(freedom) a bisection. Source: the sums of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4, bisected.
 */
export function studentQuantile(share: Ratio, freedom: number): number {
  assert(share > 0 && share < 1, "a quantile of Student's t needs a share inside (0, 1)", { share });
  assert(Number.isInteger(freedom) && freedom >= 1, "degrees of freedom are whole and at least 1", { freedom });
  if (share === 0.5) return 0;
  if (share < 0.5) return -studentQuantile(1 - share, freedom);
  const within = 2 * share - 1;
  let high = 2;
  while (studentWithin(high, freedom) < within) high *= 2;
  let low = 0;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, freedom) < within) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Probability that a variable of Student's t distribution lies between -t and t. */
export function studentWithin(t: number, freedom: number): Ratio {
  const tangent = t / Math.sqrt(freedom);
  const cosine2 = 1 / (1 + tangent * tangent);
  const cosine = Math.sqrt(cosine2);
  const sine = tangent * cosine;
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let k = odd ? 1 : 0; k <= freedom - 2; k += 2) {
    sum += term;
    term *= (cosine2 * (k + 1)) / (k + 2);
  }
  return odd ? (atan(tangent) + sine * sum) / (2 * atan(1)) : sine * sum;
}
