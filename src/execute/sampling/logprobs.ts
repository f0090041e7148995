import { argmax, largest } from "./ranking.ts";
import type { TokenLogprobs } from "./sampling.ts";

/** Log-probabilities (natural) of the chosen token and of the `count` likeliest ones. */
export function logprobsOf(logits: Float32Array, token: number, count: number): TokenLogprobs {
  const most = logits[argmax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  const norm = most + Math.log(sum);
  const of = (id: number): { token: number; logprob: number } => ({ token: id, logprob: logits[id]! - norm });
  return { ...of(token), top: [...largest(logits, count)].map(of) };
}
