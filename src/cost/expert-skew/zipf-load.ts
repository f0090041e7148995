import { pow } from "../../base/math.ts";
import { seededPrng } from "../../base/prng.ts";

/** Largest exponent looked for: beyond it one expert has nearly everything. */
const EXPONENT_MAX = 8;
const BISECTIONS = 60;

/** Shares of `experts` under Zipf's law, largest first: the i-th has a share proportional to i^-exponent. Sum 1. */
export function zipfShares(experts: number, exponent: number): Float64Array {
  const shares = new Float64Array(experts);
  let sum = 0;
  for (let i = 0; i < experts; i++) {
    shares[i] = pow(i + 1, -exponent);
    sum += shares[i]!;
  }
  for (let i = 0; i < experts; i++) shares[i]! /= sum;
  return shares;
}

/** max / mean - 1 of loads. */
export function imbalance(loads: Float64Array): number {
  let sum = 0;
  let max = 0;
  for (const load of loads) {
    sum += load;
    if (load > max) max = load;
  }
  return sum === 0 ? 0 : (max * loads.length) / sum - 1;
}

/**
 * Exponent at which the experts' imbalance is a given one.
 *
 * Model: the imbalance of Zipf's shares grows with the exponent from 0 to experts - 1. Undefined outside of that range.
 */
export function zipfExponent(experts: number, target: number): number | undefined {
  if (!(target >= 0) || target > imbalance(zipfShares(experts, EXPONENT_MAX))) return undefined;
  let low = 0;
  let high = EXPONENT_MAX;
  for (let step = 0; step < BISECTIONS; step++) {
    const middle = (low + high) / 2;
    if (imbalance(zipfShares(experts, middle)) < target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Mean imbalance of ranks that hold equal numbers of neighbouring experts, over `draws` random orders: which experts are hot has nothing to do with
 * where they stand.
 */
export function contiguousImbalance(shares: Float64Array, ranks: number, draws: number, seed: number): number {
  const random = seededPrng(seed);
  const order = Float64Array.from(shares);
  const perRank = shares.length / ranks;
  const loads = new Float64Array(ranks);
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.nextBelow(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    loads.fill(0);
    for (let i = 0; i < order.length; i++) loads[Math.floor(i / perRank)]! += order[i]!;
    sum += imbalance(loads);
  }
  return sum / draws;
}
