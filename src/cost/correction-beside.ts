import { mean } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";

/** Bounds of what is learned: cores do not speed one another up, and a factor beyond the upper one is no sharing of a memory. */
const SLOWDOWN_MIN = 1;
const SLOWDOWN_MAX = 3;
/** Steps, half of them alone and half of them not, that weigh as much as what was assumed. */
const PRIOR_STEPS = 100;
/** Variance of the share over steps of which half are alone. */
const HALVES_VARIANCE = 0.25;

/** A step's time over what the other factors say of it alone, and the share of the other cores at work meanwhile. */
export interface BesideRatio {
  readonly share: Ratio | undefined;
  readonly ratio: number;
}

/**
 * Slowdown of a step while all other cores of its memory work.
 *
 * Model: ratio = c x (1 + (slowdown - 1) x share); least squares, drawn to what was assumed as far as the shares differ too little to tell.
 */
export function fitBeside(steps: readonly BesideRatio[], assumed: Ratio): Ratio {
  const known = steps.filter((step): step is { share: Ratio; ratio: number } => step.share !== undefined);
  if (known.length === 0) return assumed;
  const meanShare = mean(known.map(({ share }) => share));
  const meanRatio = mean(known.map(({ ratio }) => ratio));
  let squares = 0;
  let products = 0;
  for (const { share, ratio } of known) {
    squares += (share - meanShare) * (share - meanShare);
    products += (share - meanShare) * (ratio - meanRatio);
  }
  if (squares === 0) return assumed;
  const slope = products / squares;
  const alone = meanRatio - slope * meanShare;
  if (!(alone > 0)) return assumed;
  const weight = squares / (squares + PRIOR_STEPS * HALVES_VARIANCE);
  const learned = Math.min(SLOWDOWN_MAX, Math.max(SLOWDOWN_MIN, 1 + slope / alone));
  return assumed + weight * (learned - assumed);
}

/** Factor on a step's time by what works beside it; 1 where that is unknown. */
export function besideFactor({ besideShare }: { readonly besideShare?: Ratio }, slowdown: Ratio): Ratio {
  return 1 + (slowdown - 1) * (besideShare ?? 0);
}
