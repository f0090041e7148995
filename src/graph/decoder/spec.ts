/** Families of decoder-only transformers of the Llama form that are read today. */
export type DecoderFamily = "llama" | "mistral" | "qwen2" | "qwen3";

/**
 * Everything that fixes the arithmetic of a decoder-only transformer of the Llama form (RMS norm, rotary positions, grouped-query
 * attention, gated SiLU feed-forward), apart from its weights.
 */
export interface DecoderSpec {
  readonly family: DecoderFamily;
  /** Name a client may use for it, for example `SmolLM2-135M-Instruct`. */
  readonly name: string;
  readonly layers: number;
  /** Width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  /** Longest context in tokens, rope scaling included. */
  readonly contextLength: number;
  readonly normEpsilon: number;
  readonly rope: RopeSpec;
  /** Biases on the query, key and value products (Qwen2). */
  readonly qkvBias: boolean;
  /** RMS norm on each query and key head before the rotation (Qwen3). */
  readonly qkNorm: boolean;
  /** The head shares the embedding's weights. */
  readonly tiedHead: boolean;
}

export interface RopeSpec {
  readonly theta: number;
  /** Pairs are (2i, 2i+1) (GGUF order) instead of (i, i + headDim/2) (Hugging Face order). */
  readonly interleaved: boolean;
  /** Radians per position of each pair, length headDim/2, scaling already applied. */
  readonly frequencies: readonly number[];
  /** Multiplies cosine and sine (YaRN); 1 otherwise. */
  readonly attentionFactor: number;
}

/** KV bytes one token adds over `layers` layers in f32. */
export function kvBytesPerToken(spec: DecoderSpec, layers: number = spec.layers): number {
  return layers * 2 * spec.kvHeads * spec.headDim * Float32Array.BYTES_PER_ELEMENT;
}
