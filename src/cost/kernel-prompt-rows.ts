/**
 * Rows of prompts that a step of heddle's own kernels has room for beside decoding ones; longer chunks are computed in several passes.
 *
 * Source: enough that reading the weights costs little beside computing on them, and few enough that a row's activations of all of them stay in
 * second-level caches (0.5 MB of SmolLM2-135M's features).
 */
const OWN_ROWS = 64;
/**
 * The same over OpenVINO's paged attention.
 *
 * Source: measured with 2026.4, a prompt of 512 tokens of SmolLM2-135M on two cores with AMX: 368 ms in runs of 256 rows, 382 in one, 408 in runs of 128.
 */
const PAGED_ROWS = 256;

/** Rows of prompts that a step in `block-int8` takes on devices of a driver, beside decoding ones. */
export function kernelPromptRows(driver: string): number {
  return driver === "openvino" ? PAGED_ROWS : OWN_ROWS;
}
