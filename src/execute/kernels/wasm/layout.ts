/** Kinds of phases, and sizes; `kernel-program.ts` writes the records. */
export const KIND_NORM: i32 = 0;
export const KIND_QUANTISE: i32 = 1;
export const KIND_PRODUCT: i32 = 2;
export const KIND_ATTEND: i32 = 3;

/** Weights of a row that share a scale, and activations too. */
export const BLOCK: i32 = 32;
/** Tokens of a KV page. */
export const PAGE_TOKENS: i32 = 64;
