/** Ids that are ordinary tokens in every vocabulary of more than 4,096 entries. */
const ID_FIRST = 300;
const ID_SPAN = 3800;
const STEP = 7919;

/** The same token ids for both engines: a fixed spread over a part of the vocabulary. */
export function benchPrompt(tokens: number): number[] {
  return Array.from({ length: tokens }, (_, i) => ID_FIRST + ((i * STEP) % ID_SPAN));
}
