import type { Ratio } from "../base/units.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { ComputeFormat, GraphFormat } from "../rack/rack.ts";
import { ALL_EIGHT_BITS, blockWeightBytes, type EightBitShare } from "./block-weights.ts";

/** Weights of a matrix product: `n` outputs, `k` inputs. */
export interface ProductShape {
  readonly n: number;
  readonly k: number;
}

/** The four fused products of a layer (q, k and v together; gate and up together), as the lowering builds them. */
export function layerProducts(spec: Pick<DecoderSpec, "width" | "heads" | "kvHeads" | "headDim" | "feedForward">): readonly ProductShape[] {
  const attentionWidth = spec.heads * spec.headDim;
  return [
    { n: attentionWidth + 2 * spec.kvHeads * spec.headDim, k: spec.width },
    { n: spec.width, k: attentionWidth },
    { n: 2 * spec.feedForward, k: spec.width },
    { n: spec.width, k: spec.feedForward },
  ];
}

export function headProduct(spec: Pick<DecoderSpec, "width" | "vocabulary">): ProductShape {
  return { n: spec.vocabulary, k: spec.width };
}

/**
 * Bytes a weight takes in memory in each format of lowered graphs.
 *
 * Source: int4 is 4 bits and one f32 scale a block of 32, plus an f32 offset where the file's format has one (counted: Q4_1 and Q4_K have);
 * int8-row is one byte, its scale a row is negligible.
 */
export const WEIGHT_BYTES: Readonly<Record<GraphFormat, number>> = { f32: 4, bf16: 2, int4: 0.5 + 8 / 32, "int8-row": 1 };

/** Layers of a model that a stage holds, and the format of one phase. */
interface PhaseWeights {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly decodeFormat: ComputeFormat;
}

/**
 * Bytes of a stage's weights: its layers once a phase (once for both in `block-int8`), the head in the decode format. The embedding is looked up in the file. `eightBit` matters to
 * `block-int8` alone. Units: bytes.
 */
export function stageWeightBytes(
  spec: DecoderSpec,
  stage: PhaseWeights & { readonly prefillFormat: ComputeFormat },
  eightBit: EightBitShare = ALL_EIGHT_BITS,
): number {
  const { fromLayer, toLayer, prefillFormat } = stage;
  const prefill = prefillFormat === "block-int8" ? 0 : (toLayer - fromLayer) * layerWeights(spec) * WEIGHT_BYTES[prefillFormat];
  return Math.ceil(prefill + decodeWeightBytes(spec, stage, eightBit));
}

/** Bytes of the weights that decode steps of a stage read: its layers' and, where it is the last, the head's. Units: bytes. */
export function decodeWeightBytes(
  spec: DecoderSpec,
  { fromLayer, toLayer, decodeFormat }: PhaseWeights,
  eightBit: EightBitShare = ALL_EIGHT_BITS,
): number {
  const bytesOf = (share: Ratio): number => (decodeFormat === "block-int8" ? blockWeightBytes(share) : WEIGHT_BYTES[decodeFormat]);
  const layers = (toLayer - fromLayer) * layerWeights(spec) * bytesOf(eightBit.layers);
  return Math.ceil(layers + (toLayer === spec.layers ? spec.vocabulary * spec.width * bytesOf(eightBit.head) : 0));
}

function layerWeights(spec: DecoderSpec): number {
  return layerProducts(spec).reduce((sum, { n, k }) => sum + n * k, 0);
}
