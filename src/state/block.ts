/** Tokens in a KV block of a native device. */
export const BLOCK_TOKENS = 64;

/**
 * Identity of a KV block's content: hex of the first 16 bytes of SHA-256 over (parent key, tokens, model fingerprint, tenant salt, numerics).
 * Computed by `state/block-key.ts`; engines only compare keys.
 */
export type BlockKey = string;

/** A place for one sealed block. A slot is reused after eviction; its generation then grows by one. */
export interface SlotRef {
  readonly slot: number;
  readonly generation: number;
}

export function pagesFor(tokens: number): number {
  return Math.ceil(tokens / BLOCK_TOKENS);
}
