import { needsHistory, type Sampling } from "./sampling.ts";

/** Tokens before the one to choose. */
export interface History {
  readonly tokens: ArrayLike<number>;
  /** The first so many are the prompt, the rest is output. */
  readonly promptTokens: number;
}

/**
 * Applies bias and penalties to one row of logits, in place.
 *
 * Model: bias first; then the repetition penalty for tokens of prompt and output (CTRL, Keskar et al. 2019), then presence and frequency
 * penalties for tokens of the output (OpenAI's definition).
 */
export function applyPenalties(logits: Float32Array, sampling: Sampling, history: History): void {
  for (const [token, bias] of sampling.logitBias) if (token >= 0 && token < logits.length) logits[token]! += bias;
  if (!needsHistory(sampling)) return;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const seen = new Set<number>();
  const counts = new Map<number, number>();
  for (let i = 0; i < history.tokens.length; i++) {
    const token = history.tokens[i]!;
    if (token < 0 || token >= logits.length) continue;
    seen.add(token);
    if (i >= history.promptTokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  for (const token of seen) {
    const logit = logits[token]!;
    logits[token] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  }
  for (const [token, count] of counts) logits[token]! -= presencePenalty + count * frequencyPenalty;
}
