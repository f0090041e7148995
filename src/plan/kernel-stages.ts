import type { Ratio } from "../base/units.ts";
import { ALL_EIGHT_BITS, type EightBitShare } from "../cost/block-weights.ts";
import { decodeWeightBytes } from "../cost/decoder-shape.ts";
import { type DecoderSpec, kvBytesPerToken } from "../graph/decoder/spec.ts";
import type { ComputeFormat } from "../rack/rack.ts";
import { BLOCK_TOKENS } from "../state/block.ts";

/**
 * Drivers whose devices compute decode steps in `block-int8`: `ort` in heddle's own kernels, `openvino` over OpenVINO's paged attention, which holds
 * all weights in 8 bits and working pages twice, in f32 and in 8 bits.
 */
export const KERNEL_DRIVERS: readonly string[] = ["ort", "openvino"];

/** Of a device that is asked for `block-int8` and does not have it. */
export const KERNEL_DRIVERS_TEXT = `only devices of drivers ${KERNEL_DRIVERS.join(" and ")}`;

interface DecodeStage {
  readonly driver: string;
  readonly decodeFormat: ComputeFormat | "file";
}

/** What of a stage's weights `block-int8` holds in 8 bits: what the file has so, where the driver keeps blocks of 4 bits. */
export function heldInEightBits({ driver, decodeFormat }: DecodeStage, file: EightBitShare | undefined): EightBitShare | undefined {
  return isPaged(driver, decodeFormat) ? ALL_EIGHT_BITS : file;
}

/** Bytes of working KV over those in f32. Source: drivers/openvino/paged: a byte a feature and 8 bytes a head beside 4 bytes a feature. */
export function pageCopies(stage: DecodeStage, { headDim }: Pick<DecoderSpec, "headDim">): Ratio {
  return isPaged(stage.driver, stage.decodeFormat) ? 1 + (headDim + 8) / (4 * headDim) : 1;
}

function isPaged(driver: string, decodeFormat: DecodeStage["decodeFormat"]): boolean {
  return driver === "openvino" && decodeFormat === "block-int8";
}

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
  stage: DecodeStage & { readonly fromLayer: number; readonly toLayer: number },
  eightBit: EightBitShare | undefined,
): number {
  const { fromLayer, toLayer, driver, decodeFormat } = stage;
  if (decodeFormat !== "block-int8" || isPaged(driver, decodeFormat)) return Infinity;
  const pageBytes = kvBytesPerToken(spec, toLayer - fromLayer) * BLOCK_TOKENS;
  return Math.max(0, Math.floor((MEMORY_BYTES - decodeWeightBytes(spec, { fromLayer, toLayer, decodeFormat }, eightBit)) / pageBytes));
}
