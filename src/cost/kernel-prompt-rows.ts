/**
 * Rows of prompts that a step of heddle's own kernels has room for beside decoding ones; longer chunks are computed in several passes.
 *
 * Source: enough that reading the weights costs little beside computing on them, and few enough that a row's activations of all of them stay in
 * second-level caches (0.5 MB of SmolLM2-135M's features).
 */
export const KERNEL_PROMPT_ROWS = 64;
