/** Small valid models with seeded random weights, lively enough that greedy decoding does not loop; llama.cpp loads them too. */
import { writeFileSync } from "node:fs";
import { must } from "../../src/base/assert.ts";
import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { type DecoderShape, expectedTensors } from "../../src/graph/decoder/tensor-shapes.ts";
import type { WeightFormat } from "../../src/graph/decoder/weights.ts";
import { type MetadataValue, type TensorToWrite, writeGguf } from "./gguf-writer.ts";
import { bpeMetadata, spmMetadata } from "./tiny-vocabulary.ts";

export interface TinyModelOptions {
  readonly seed?: number;
  readonly family?: "llama" | "qwen2" | "qwen3";
  readonly layers?: number;
  readonly width?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly feedForward?: number;
  /** At least 259. */
  readonly vocabulary?: number;
  readonly contextLength?: number;
  readonly tiedHead?: boolean;
  /** Token whose row of the head is zero, so that its logit is 0 and probabilities of the others give logits; for heads that are not tied. */
  readonly anchor?: number;
  /** Of the matrices of the layers; norms and biases are F32. Q4_K and Q6_K need widths that 256 divides, the other quantised ones 32. */
  readonly format?: WeightFormat;
  /** Of embedding and head; `format` by default. */
  readonly embeddingFormat?: WeightFormat;
  readonly tokenizer?: "bpe" | "spm";
  /** Pre-tokenizer of the BPE vocabulary. */
  readonly pre?: string;
  readonly theta?: number;
  readonly ropeScaling?: TinyRopeScaling;
  /** Added to the file's metadata, or put in place of what is there. */
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
}

export type TinyRopeScaling =
  | { readonly kind: "linear"; readonly factor: number }
  | { readonly kind: "yarn"; readonly factor: number; readonly originalContext: number }
  | { readonly kind: "divisors"; readonly divisors: readonly number[] };

/**
 * Gains that keep greedy decoding lively: layers outweigh the embedding, attention is sharp. Found by a sweep with llama.cpp: 300 tokens
 * hold 130 to 200 distinct ones for two layers; a flat attention (query 1) or a heavy output (4) falls to 1 to 40.
 */
const GAINS = { embedding: 0.3, queryKey: 2, headNorm: 2, layer: 2, head: 1 };

export function tinyShape(options: TinyModelOptions = {}): DecoderShape {
  const { family = "llama", width = 64, heads = 4 } = options;
  return {
    family,
    name: "tiny",
    layers: options.layers ?? 2,
    width,
    heads,
    kvHeads: options.kvHeads ?? 2,
    headDim: options.headDim ?? width / heads,
    feedForward: options.feedForward ?? 2 * width,
    vocabulary: options.vocabulary ?? 320,
    contextLength: options.contextLength ?? 2048,
    normEpsilon: 1e-5,
    qkvBias: family === "qwen2",
    qkNorm: family === "qwen3",
    tiedHead: options.tiedHead ?? false,
  };
}

/** The bytes of a small GGUF model. */
export function tinyGguf(options: TinyModelOptions = {}): Uint8Array {
  const { metadata, tensors } = tinyGgufParts(options);
  return writeGguf(metadata, tensors);
}

export interface TinyGgufParts {
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly tensors: readonly TensorToWrite[];
}

/** What such a file is written from, for tests that change a part of it. */
export function tinyGgufParts(options: TinyModelOptions = {}): TinyGgufParts {
  const shape = tinyShape(options);
  const tensors = tinyTensors(shape, options);
  if (options.anchor !== undefined) {
    const head = must(
      tensors.find(({ name }) => name === "output.weight"),
      "an anchor needs a head of its own",
    );
    head.values.fill(0, options.anchor * shape.width, (options.anchor + 1) * shape.width);
  }
  if (options.ropeScaling?.kind === "divisors") {
    const values = Float32Array.from(options.ropeScaling.divisors);
    tensors.push({ name: "rope_freqs.weight", format: "F32", shape: [values.length], values });
  }
  return { metadata: { ...tinyMetadata(shape, options), ...options.metadata }, tensors };
}

export function writeTinyGguf(path: string, options: TinyModelOptions = {}): string {
  writeFileSync(path, tinyGguf(options));
  return path;
}

function tinyMetadata(shape: DecoderShape, options: TinyModelOptions): Record<string, MetadataValue> {
  const key = (rest: string): string => `${shape.family}.${rest}`;
  return {
    "general.architecture": { string: shape.family },
    "general.name": { string: "tiny" },
    "general.quantization_version": { u32: 2 },
    [key("block_count")]: { u32: shape.layers },
    [key("context_length")]: { u32: shape.contextLength },
    [key("embedding_length")]: { u32: shape.width },
    [key("feed_forward_length")]: { u32: shape.feedForward },
    [key("attention.head_count")]: { u32: shape.heads },
    [key("attention.head_count_kv")]: { u32: shape.kvHeads },
    [key("attention.key_length")]: { u32: shape.headDim },
    [key("attention.value_length")]: { u32: shape.headDim },
    [key("rope.dimension_count")]: { u32: shape.headDim },
    [key("rope.freq_base")]: { f32: options.theta ?? 10000 },
    [key("attention.layer_norm_rms_epsilon")]: { f32: shape.normEpsilon },
    [key("vocab_size")]: { u32: shape.vocabulary },
    ...scalingMetadata(key, options.ropeScaling),
    ...(options.tokenizer === "spm" ? spmMetadata(shape.vocabulary) : bpeMetadata(shape.vocabulary, options.pre ?? "smollm")),
  };
}

function scalingMetadata(key: (rest: string) => string, scaling: TinyRopeScaling | undefined): Record<string, MetadataValue> {
  if (scaling === undefined || scaling.kind === "divisors") return {};
  const common: Record<string, MetadataValue> = {
    [key("rope.scaling.type")]: { string: scaling.kind },
    [key("rope.scaling.factor")]: { f32: scaling.factor },
  };
  return scaling.kind === "linear"
    ? common
    : { ...common, [key("rope.scaling.original_context_length")]: { u32: scaling.originalContext } };
}

const GGUF_NAMES: Readonly<Record<string, string>> = {
  embedding: "token_embd.weight",
  head: "output.weight",
  "final-norm": "output_norm.weight",
  "attention-norm": "attn_norm.weight",
  q: "attn_q.weight",
  k: "attn_k.weight",
  v: "attn_v.weight",
  o: "attn_output.weight",
  "q-bias": "attn_q.bias",
  "k-bias": "attn_k.bias",
  "v-bias": "attn_v.bias",
  "q-norm": "attn_q_norm.weight",
  "k-norm": "attn_k_norm.weight",
  "ffn-norm": "ffn_norm.weight",
  gate: "ffn_gate.weight",
  up: "ffn_up.weight",
  down: "ffn_down.weight",
};

function tinyTensors(shape: DecoderShape, options: TinyModelOptions): TensorToWrite[] {
  const { format = "F32" } = options;
  return tinyWeights(shape, options.seed ?? 1).map(({ name, shape: size, values }) => {
    const [, layer, role = name] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    const plain = size.length === 1;
    const isTable = role === "embedding" || role === "head";
    return {
      name: layer === undefined ? GGUF_NAMES[role]! : `blk.${layer}.${GGUF_NAMES[role]}`,
      format: plain ? "F32" : isTable ? (options.embeddingFormat ?? format) : format,
      shape: size,
      values,
    };
  });
}

export interface TinyWeight {
  /** heddle's name. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Seeded weights of a shape, in f32, under heddle's names. */
export function tinyWeights(shape: DecoderShape, seed: number): TinyWeight[] {
  const prng = seededPrng(seed);
  return [...expectedTensors(shape)].map(([name, size]) => ({ name, shape: size, values: draw(prng, name, size) }));
}

function draw(prng: Prng, name: string, size: readonly number[]): Float32Array {
  const role = name.slice(name.lastIndexOf(".") + 1);
  const values = new Float32Array(size.reduce((product, n) => product * n, 1));
  const columns = size.at(-1)!;
  if (role.endsWith("norm")) {
    const gain = role === "q-norm" || role === "k-norm" ? GAINS.headNorm : 1;
    return values.map(() => gain * (0.8 + 0.4 * prng.nextFloat()));
  }
  if (size.length === 1) return values.map(() => 0.5 * gaussian(prng));
  const deviation = gainOf(role) / (role === "embedding" ? 1 : Math.sqrt(columns));
  return values.map(() => deviation * gaussian(prng));
}

function gainOf(role: string): number {
  if (role === "embedding") return GAINS.embedding;
  if (role === "q" || role === "k") return GAINS.queryKey;
  return role === "head" ? GAINS.head : GAINS.layer;
}

function gaussian(prng: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - prng.nextFloat())) * Math.cos(2 * Math.PI * prng.nextFloat());
}
