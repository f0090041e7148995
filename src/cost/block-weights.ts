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
 * Source: a block of 32 is 16 bytes of 4-bit weights with a scale and an offset in f16, or 32 bytes with a scale in f32.
 */
export const BLOCK_WEIGHT_BYTES: Readonly<Record<BlockBits, number>> = { 4: (16 + 4) / 32, 8: (32 + 4) / 32 };

const FOUR_BITS: ReadonlySet<WeightFormat> = new Set(["Q4_0", "Q4_1", "Q4_K"]);

/** Bits in which `block-int8` holds weights of a file's format: 4-bit blocks as they are, all else in 8. */
export function blockBits(format: WeightFormat): BlockBits {
  return FOUR_BITS.has(format) ? 4 : 8;
}

/** Products of several tensors, which are held alike: all in 4 bits, or all in 8. */
const TOGETHER: Readonly<Record<string, string>> = { q: "q-k-v", k: "q-k-v", v: "q-k-v", gate: "gate-up", up: "gate-up" };

/** How much of a model `block-int8` holds in 8 bits, by its tensors. */
export function eightBitShare({ tensors }: Pick<WeightSource, "tensors">, { tiedHead }: Pick<DecoderSpec, "tiedHead">): EightBitShare {
  const products = new Map<string, { weights: number; bits: BlockBits }>();
  for (const [name, { format, shape }] of tensors) {
    const [, layer = "", role = ""] = /^layers\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (shape.length !== 2 || role === "") continue;
    const key = `${layer}.${TOGETHER[role] ?? role}`;
    const known = products.get(key) ?? { weights: 0, bits: 4 };
    const bits = known.bits === 8 ? 8 : blockBits(format);
    products.set(key, { weights: known.weights + shape[0]! * shape[1]!, bits });
  }
  const sum = (list: readonly { readonly weights: number }[]): number => list.reduce((total, { weights }) => total + weights, 0);
  const all = sum([...products.values()]);
  const eight = sum([...products.values()].filter(({ bits }) => bits === 8));
  const head = tensors.get(tiedHead ? "embedding" : "head");
  return { layers: all === 0 ? 1 : eight / all, head: head === undefined || blockBits(head.format) === 8 ? 1 : 0 };
}

/** Mean bytes of a weight of which that share has 8 bits. */
export function blockWeightBytes(eight: Ratio): number {
  return (1 - eight) * BLOCK_WEIGHT_BYTES[4] + eight * BLOCK_WEIGHT_BYTES[8];
}
