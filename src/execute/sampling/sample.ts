import { assert } from "../../base/assert.ts";
import { counterFloat } from "../../base/prng.ts";
import { logprobsOf } from "./logprobs.ts";
import { applyPenalties, type History } from "./penalties.ts";
import { argmax, largest } from "./ranking.ts";
import type { Sampling, TokenLogprobs } from "./sampling.ts";

export interface Sampled {
  readonly token: number;
  readonly logprobs: TokenLogprobs | undefined;
}

/** First guess of how many tokens reach `topP`; grown until they do. */
const NUCLEUS_FIRST = 256;
const NUCLEUS_GROWTH = 8;

/**
 * Chooses the next token from one row of logits, which it overwrites.
 *
 * Model: bias and penalties, temperature, min-p, top-k, top-p, then one draw that depends on the seed and `index` alone, so that a request goes
 * on alike on another host.
 * Shapes: `logits` has one value per token of the vocabulary; `index` counts the request's generated tokens over all attempts.
 */
export function sample(logits: Float32Array, sampling: Sampling, at: { readonly index: number; readonly history: History }): Sampled {
  assert(logits.length > 0, "a row of logits has a token");
  const raw = sampling.topLogprobs === undefined ? undefined : logits.slice();
  applyPenalties(logits, sampling, at.history);
  const token = sampling.temperature === 0 ? argmax(logits) : draw(logits, sampling, counterFloat(sampling.seed, at.index));
  return { token, logprobs: raw === undefined ? undefined : logprobsOf(raw, token, sampling.topLogprobs ?? 0) };
}

function draw(logits: Float32Array, sampling: Sampling, uniform: number): number {
  const { temperature, topK, topP, minP } = sampling;
  const weights = softWeights(logits, temperature);
  if (topK === 0 && topP >= 1 && minP === 0) return pick(weights, undefined, uniform);
  return pick(weights, candidates(weights, { topK, topP, minP }), uniform);
}

/** exp((logit - max) / temperature): the likeliest token has 1. */
function softWeights(logits: Float32Array, temperature: number): Float32Array {
  const most = logits[argmax(logits)]!;
  const weights = new Float32Array(logits.length);
  for (let id = 0; id < logits.length; id++) weights[id] = Math.exp((logits[id]! - most) / temperature);
  return weights;
}

/** Ids kept, likeliest first. The sum that top-p looks at is the one left by min-p and top-k. */
function candidates(weights: Float32Array, kept: { topK: number; topP: number; minP: number }): Int32Array {
  const { topP, minP } = kept;
  let count = 0;
  let total = 0;
  for (const weight of weights) {
    if (weight < minP) continue;
    count++;
    total += weight;
  }
  if (kept.topK > 0) {
    const ranked = largest(weights, Math.min(kept.topK, count));
    return ranked.subarray(0, nucleus(weights, ranked, topP * sumOf(weights, ranked)));
  }
  if (topP >= 1) return largest(weights, count);
  for (let guess = NUCLEUS_FIRST; ; guess *= NUCLEUS_GROWTH) {
    const ranked = largest(weights, Math.min(guess, count));
    const reached = nucleus(weights, ranked, topP * total);
    if (reached !== undefined || ranked.length === count) return ranked.subarray(0, reached);
  }
}

/** How many of the ranked tokens reach the sum; undefined when all together do not. */
function nucleus(weights: Float32Array, ranked: Int32Array, sum: number): number | undefined {
  let cumulative = 0;
  for (let rank = 0; rank < ranked.length; rank++) {
    cumulative += weights[ranked[rank]!]!;
    if (cumulative >= sum) return rank + 1;
  }
  return undefined;
}

function sumOf(weights: Float32Array, ids: Int32Array): number {
  let sum = 0;
  for (const id of ids) sum += weights[id]!;
  return sum;
}

/** Inverse of the cumulative weights over `ids`, or over all tokens in order of id. */
function pick(weights: Float32Array, ids: Int32Array | undefined, uniform: number): number {
  let total = 0;
  if (ids === undefined) for (const weight of weights) total += weight;
  else total = sumOf(weights, ids);
  let left = uniform * total;
  const count = ids?.length ?? weights.length;
  for (let rank = 0; rank < count; rank++) {
    const id = ids === undefined ? rank : ids[rank]!;
    left -= weights[id]!;
    if (left < 0) return id;
  }
  return ids === undefined ? argmax(weights) : ids[0]!;
}
