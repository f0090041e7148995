import { exp } from "../../../base/math.ts";
import type { PromptTimes } from "./prompt-service.ts";

/** What comes to a replica between decodes. */
export interface RoundInput {
  /** Arrivals. Units: requests/ns. */
  readonly perNs: number;
  /** Of an iteration without prompts. Units: ns. */
  readonly decodeNs: number;
  /** Prompts that come together because settings hold them back; 1 where none do. */
  readonly held: number;
}

/** From one token of a sequence that decodes to its next, on average. */
export interface PromptRounds {
  /** Infinite where prompts leave no time to decode. Units: ns. */
  readonly meanNs: number;
  /** Prompts of an iteration that has any, and what each adds. Units: ns. */
  readonly gathered: number;
  readonly extraNs: number;
}

/** Halvings of the bracket of prompts that come together. */
const HALVINGS = 3;
/** Prompts within which it is narrow enough. */
const NARROW = 0.05;

/**
 * Decodes and prompts that come as they like.
 *
 * Model: what arrives between two tokens is in the same iteration, so the more there is the more share one: of Poisson arrivals with a mean of x those
 * that come at all are x / (1 - e^-x) together. Each adds less than a lone one, which shortens the rounds; the bracket of both is halved.
 */
export function promptRounds({ extraNs, together }: PromptTimes, { perNs, decodeNs, held }: RoundInput): PromptRounds {
  const roundNs = (extra: number): number => (perNs * extra >= 1 ? Number.POSITIVE_INFINITY : decodeNs / (1 - perNs * extra));
  const of = (gathered: number): PromptRounds => {
    const extra = extraNs(gathered);
    return { meanNs: roundNs(extra), gathered, extraNs: extra };
  };
  const arriving = (ns: number): number => Math.min(together, Math.max(held, atOnce(perNs * ns)));
  let low = Math.max(1, arriving(decodeNs));
  const least = of(low);
  let high = arriving(least.meanNs);
  for (let halving = 0; halving < HALVINGS && high - low > NARROW; halving++) {
    const middle = (low + high) / 2;
    if (arriving(of(middle).meanNs) > middle) low = middle;
    else high = middle;
  }
  return high - low <= NARROW && low === least.gathered ? least : of((low + high) / 2);
}

/** Poisson arrivals with a mean of `mean` that come together where any come. */
function atOnce(mean: number): number {
  if (mean === Number.POSITIVE_INFINITY) return mean;
  return mean < 1e-6 ? 1 : mean / (1 - exp(-mean));
}
