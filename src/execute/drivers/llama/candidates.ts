import { needsHistory, type Sampling } from "../../sampling/sampling.ts";

/** ln of the smallest f32 above 0: what a probability that was rounded to 0 counts as. */
const FLOOR = -103.3;

/**
 * How many of the likeliest tokens a draw looks at; `undefined` for all. The binding sorts and copies every token it is asked for, 15 ms for a
 * vocabulary of 49,152, so it is asked for no more than that.
 */
export function candidatesOf(sampling: Sampling | undefined): number | undefined {
  if (sampling === undefined || sampling.topLogprobs !== undefined) return undefined;
  if (needsHistory(sampling) || sampling.logitBias.length > 0) return undefined;
  if (sampling.temperature === 0) return 1;
  return sampling.topK > 0 ? sampling.topK : undefined;
}

/** Writes log-probabilities as logits over `row`: those of all tokens, or of the likeliest ones with -Infinity for the others. */
export function writeLogits(row: Float32Array, probabilities: ReadonlyMap<number, number>): void {
  row.fill(Number.NEGATIVE_INFINITY);
  for (const [token, probability] of probabilities) {
    row[token] = probability > 0 ? Math.max(FLOOR, Math.log(probability)) : FLOOR;
  }
}
