import { assert } from "../../base/assert.ts";
import { contiguousImbalance, zipfExponent, zipfShares } from "../../cost/expert-skew/zipf-load.ts";

/** DeepSeek-R1 on 32 ranks of 8 experts each. Source: NVIDIA/TensorRT-LLM@1d263f1, tech blog 4. */
const EXPERTS = 256;
const RANKS = 32;
/** Given by the claim: imbalance of single experts. */
const GIVEN = 10.948;
/** Random orders averaged: the standard error of the mean is then 0.4 % (measured). */
const DRAWS = 2000;
const SEED = 256;

/** Imbalance of ranks without balancing, from that of experts alone: Zipf's law with the exponent that gives it, experts placed in a row. */
export function expertRankImbalance(): number {
  const exponent = zipfExponent(EXPERTS, GIVEN);
  assert(exponent !== undefined, "some exponent gives every imbalance below that of one hot expert");
  return contiguousImbalance(zipfShares(EXPERTS, exponent), RANKS, DRAWS, SEED);
}
