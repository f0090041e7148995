import type { Ratio } from "../base/units.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { WeightFormat, WeightSource } from "../graph/decoder/weights.ts";

/** Bits of a weight in `block-int8`. */
export type BlockBits = 4 | 8;

/** Parts of a model's weights that `block-int8` holds in 8 bits: of its layers, and of its head. */
export interface EightBitShare {
  readonly layers: Ratio;
  readonly head: Ratio;
}

/** What counts where nothing is known of the file: the dearer. */
export const ALL_EIGHT_BITS: EightBitShare = { layers: 1, head: 1 };

/**
 * Bytes a weight takes in `block-int8`.
 *
 * Source: a block of 32 is 16 bytes of 4-bit weights with an f32 scale and an f32 offset, or 32 bytes with an f32 scale.
 */
export const BLOCK_WEIGHT_BYTES: Readonly<Record<BlockBits, number>> = { 4: (16 + 8) / 32, 8: (32 + 4) / 32 };

const FOUR_BITS: ReadonlySet<WeightFormat> = new Set(["Q4_0", "Q4_1", "Q4_K"]);

/** Bits in which `block-int8` holds weights of a file's format: 4-bit blocks as they are, all else in 8. */
export function blockBits(format: WeightFormat): BlockBits {
  return FOUR_BITS.has(format) ? 4 : 8;
}

/** How much of a model `block-int8` holds in 8 bits, by its tensors. */
export function eightBitShare({ tensors }: Pick<WeightSource, "tensors">, { tiedHead }: Pick<DecoderSpec, "tiedHead">): EightBitShare {
  let all = 0;
  let eight = 0;
  for (const [name, { format, shape }] of tensors) {
    if (shape.length !== 2 || !name.startsWith("layers.")) continue;
    const weights = shape[0]! * shape[1]!;
    all += weights;
    if (blockBits(format) === 8) eight += weights;
  }
  const head = tensors.get(tiedHead ? "embedding" : "head");
  return { layers: all === 0 ? 1 : eight / all, head: head === undefined || blockBits(head.format) === 8 ? 1 : 0 };
}

/** Mean bytes of a weight of which that share has 8 bits. */
export function blockWeightBytes(eight: Ratio): number {
  return (1 - eight) * BLOCK_WEIGHT_BYTES[4] + eight * BLOCK_WEIGHT_BYTES[8];
}
