import type { EightBitShare } from "../cost/block-weights.ts";
import { decodeWeightBytes } from "../cost/decoder-shape.ts";
import { type DecoderSpec, kvBytesPerToken } from "../graph/decoder/spec.ts";
import type { ComputeFormat } from "../rack/rack.ts";
import { BLOCK_TOKENS } from "../state/block.ts";

/** The driver whose devices compute decode steps in heddle's own kernels (`block-int8`). */
export const KERNEL_DRIVER = "ort";

/**
 * A memory of 32-bit WebAssembly, less 128 MiB for activations, logits, rotations and stacks. Units: bytes.
 *
 * Source: WebAssembly core specification: 2^16 pages of 64 KiB.
 */
const MEMORY_BYTES = 65_536 * 65_536 - 134_217_728;

/**
 * Most working pages of a stage whose decode steps run in heddle's own kernels: what their memory leaves beside the weights; no bound in other formats.
 */
export function kernelPages(
  spec: DecoderSpec,
  stage: { readonly fromLayer: number; readonly toLayer: number; readonly decodeFormat: ComputeFormat | "file" },
  eightBit: EightBitShare | undefined,
): number {
  const { fromLayer, toLayer, decodeFormat } = stage;
  if (decodeFormat !== "block-int8") return Infinity;
  const pageBytes = kvBytesPerToken(spec, toLayer - fromLayer) * BLOCK_TOKENS;
  return Math.max(0, Math.floor((MEMORY_BYTES - decodeWeightBytes(spec, { fromLayer, toLayer, decodeFormat }, eightBit)) / pageBytes));
}
