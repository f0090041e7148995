/** Elements of an index key that share one scale, and bytes of that scale beside the 8-bit elements. */
const SCALED = 128;
const SCALE_BYTES = 4;

/** Bytes an indexer's key of one token is kept in, whatever the format of other keys. Source: deepseek-ai/DeepGEMM, `fp8_paged_mqa_logits`. */
export function indexKeyBytes(headDim: number): number {
  return headDim + (headDim / SCALED) * SCALE_BYTES;
}
