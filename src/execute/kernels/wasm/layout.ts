/** Kinds of phases, and sizes; `kernel-program.ts` writes the records. */
export const KIND_NORM: i32 = 0;
export const KIND_QUANTISE: i32 = 1;
export const KIND_PRODUCT: i32 = 2;
export const KIND_ATTEND: i32 = 3;
export const KIND_KEEP: i32 = 4;

/** Weights of a row that share a scale, and activations too. */
export const BLOCK: i32 = 32;
/**
 * Activations: 32 integers, columns 0 to 3, 16 to 19, 4 to 7, 20 to 23 and so on, each four of them four times; then their scale, and scale times their
 * sum, both in f32 and four times. So all are read by plain loads: one that spreads a word takes an address of its own in V8 11.3.
 */
export const ACTIVATION_BLOCK: usize = 160;
export const SCALE_AT: usize = 128;
export const SUM_AT: usize = 144;
/** Tokens of a KV page. */
export const PAGE_TOKENS: i32 = 64;
