/** How the next token of a request is chosen. Fields that change nothing have the value of `GREEDY`. */
export interface Sampling {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** Keep the k likeliest; 0 keeps all. */
  readonly topK: number;
  /** Keep the likeliest tokens whose probabilities reach this sum; 1 keeps all. */
  readonly topP: number;
  /** Keep tokens at least this share of the likeliest one's probability; 0 keeps all. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of tokens that occurred in prompt or output; 1 does nothing. */
  readonly repetitionPenalty: number;
  /** Taken off once for tokens of the output. */
  readonly presencePenalty: number;
  /** Taken off for every occurrence in the output. */
  readonly frequencyPenalty: number;
  /** Added to the logits of single tokens: [token, bias]. */
  readonly logitBias: readonly (readonly [number, number])[];
  /** Draws are a function of the seed and the token's index. */
  readonly seed: number;
  /** Alternatives to report with each token; undefined for no log-probabilities. */
  readonly topLogprobs: number | undefined;
  /** A stop token does not end the output; it goes on to its limit. */
  readonly ignoreStop: boolean;
}

export const GREEDY: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: [],
  seed: 0,
  topLogprobs: undefined,
  ignoreStop: false,
};

/** Whether the choice depends on the tokens before. */
export function needsHistory(sampling: Sampling): boolean {
  return sampling.repetitionPenalty !== 1 || sampling.presencePenalty !== 0 || sampling.frequencyPenalty !== 0;
}

export interface TokenLogprob {
  readonly token: number;
  readonly logprob: number;
}

/** Log-probabilities of a sampled token under the model itself: before bias, penalties and temperature. */
export interface TokenLogprobs extends TokenLogprob {
  /** The likeliest tokens, likeliest first; ties by id. */
  readonly top: readonly TokenLogprob[];
}
