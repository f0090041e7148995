import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { ComputeFormat } from "../rack/rack.ts";

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
 * Bytes a weight takes in memory in each format.
 *
 * Source: int4 is 4 bits and one f32 scale a block of 32, plus an f32 offset where the file's format has one (counted: Q4_1 and Q4_K have);
 * int8-row is one byte, its scale a row is negligible.
 */
export const WEIGHT_BYTES: Readonly<Record<ComputeFormat, number>> = { f32: 4, bf16: 2, int4: 0.5 + 8 / 32, "int8-row": 1 };

/** Bytes of a stage's weights: its layers once a phase, the head in the decode format. The embedding is looked up in the file. Units: bytes. */
export function stageWeightBytes(
  spec: DecoderSpec,
  stage: {
    readonly fromLayer: number;
    readonly toLayer: number;
    readonly prefillFormat: ComputeFormat;
    readonly decodeFormat: ComputeFormat;
  },
): number {
  let perLayer = 0;
  for (const { n, k } of layerProducts(spec)) perLayer += n * k;
  const layers = (stage.toLayer - stage.fromLayer) * perLayer * (WEIGHT_BYTES[stage.prefillFormat] + WEIGHT_BYTES[stage.decodeFormat]);
  const head = stage.toLayer === spec.layers ? spec.vocabulary * spec.width * WEIGHT_BYTES[stage.decodeFormat] : 0;
  return Math.ceil(layers + head);
}
