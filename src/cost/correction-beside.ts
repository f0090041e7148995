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
 * Model: work of a step = time x (1 - share x (1 - 1 / slowdown)), as the simulation's devices do it; least squares on 1 / ratio, drawn to what was
 * assumed as far as the shares differ too little to tell.
 */
export function fitBeside(steps: readonly BesideRatio[], assumed: Ratio): Ratio {
  const known = steps.filter((step): step is { share: Ratio; ratio: number } => step.share !== undefined && step.ratio > 0);
  if (known.length === 0) return assumed;
  const meanShare = mean(known.map(({ share }) => share));
  const meanWork = mean(known.map(({ ratio }) => 1 / ratio));
  let squares = 0;
  let products = 0;
  for (const { share, ratio } of known) {
    squares += (share - meanShare) * (share - meanShare);
    products += (share - meanShare) * (1 / ratio - meanWork);
  }
  if (squares === 0) return assumed;
  const slope = products / squares;
  const alone = meanWork - slope * meanShare;
  const beside = alone + slope;
  if (!(alone > 0 && beside > 0)) return assumed;
  const weight = squares / (squares + PRIOR_STEPS * HALVES_VARIANCE);
  const learned = Math.min(SLOWDOWN_MAX, Math.max(SLOWDOWN_MIN, alone / beside));
  return assumed + weight * (learned - assumed);
}

/** Factor on a step's time by what works beside it; 1 where that is unknown. */
export function besideFactor({ besideShare }: { readonly besideShare?: Ratio }, slowdown: Ratio): Ratio {
  return 1 / (1 - (1 - 1 / slowdown) * (besideShare ?? 0));
}
