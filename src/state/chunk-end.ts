import type { Tokens } from "../base/units.ts";
import { BLOCK_TOKENS } from "./block.ts";

/**
 * Where the chunk from `start` of a prompt of `known` tokens ends at the latest: at multiples of the chunk size, and where the blocks end that another
 * prompt can share.
 *
 * Why: where chunks end decides how sums are split, so that two ways of cutting one prompt differ in their last bits, which int8 activations turn
 * into other tokens. Cut alike whether its beginning was cached or not, a prompt alone has one answer to the bit.
 */
export function chunkEnd(start: Tokens, known: Tokens, maxChunkTokens: Tokens): Tokens {
  const shared = Math.floor((known - 1) / BLOCK_TOKENS) * BLOCK_TOKENS;
  const multiple = (Math.floor(start / maxChunkTokens) + 1) * maxChunkTokens;
  return Math.min(multiple, shared > start ? shared : known);
}
