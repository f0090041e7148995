/** Tokens in a KV block of a native device. */
export const BLOCK_TOKENS = 64;

/** Least number of leading tokens of a block that has a key of its own: what a prefix hit can end on. */
export const PART_TOKENS = 8;
/** Keys of the parts of a block: its first 8, 16, … 56 tokens. The block itself has a key apart. */
export const PARTS_PER_BLOCK = BLOCK_TOKENS / PART_TOKENS - 1;

/**
 * Identity of a KV block's content: hex of the first 16 bytes of SHA-256 over (parent key, tokens, model fingerprint, tenant salt, numerics).
 * Computed by `state/block-key.ts`; engines only compare keys.
 */
export type BlockKey = string;

/** What of a prompt can be found in a cache. */
export interface PromptKeys {
  /** Of its whole blocks, from the start. */
  readonly keys: readonly BlockKey[];
  /** Of the parts of its blocks, seven a block; of the last one, which may be incomplete, as many as it has. */
  readonly parts: readonly BlockKey[];
}

/** A place for one sealed block. A slot is reused after eviction; its generation then grows by one. */
export interface SlotRef {
  readonly slot: number;
  readonly generation: number;
}

/** Pages that hold so many tokens; a page is a block's 64. */
export function pagesFor(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS);
}
