/** Writes the weights of a tiny model as a Hugging Face folder: the same numbers as tiny-gguf.ts, queries and keys in Hugging Face's order. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TokenizerSource } from "../../src/graph/decoder/model.ts";
import type { DecoderShape } from "../../src/graph/decoder/tensor-shapes.ts";
import { quantise } from "./quantise.ts";
import { type TinyModelOptions, type TinyWeight, tinyShape, tinyWeights } from "./tiny-gguf.ts";
import { bpeTokenizerJson } from "./tiny-vocabulary.ts";

export interface TinyHfOptions extends Omit<TinyModelOptions, "format" | "embeddingFormat" | "ropeScaling"> {
  /** Of the matrices; norms and biases are F32. */
  readonly dtype?: "F32" | "F16" | "BF16";
  readonly shards?: number;
  /** Fields put over those of config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The tokenizer such a folder describes. */
export function tinyHfTokenizer(vocabulary: number): TokenizerSource {
  const { tokenizer, config } = bpeTokenizerJson(vocabulary);
  return { tokenizerJson: tokenizer, tokenizerConfig: config, chatTemplate: undefined, bosId: 1, addBos: false, stopIds: [2] };
}

export interface SafetensorsEntry {
  readonly dtype: "F32" | "F16" | "BF16";
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export function writeSafetensors(tensors: Readonly<Record<string, SafetensorsEntry>>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
    const data = quantise(values, dtype);
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    parts.push(data);
    at += data.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + padded + at).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(json, 8);
  let to = 8 + padded;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}

export function tinyHfConfig(options: TinyHfOptions = {}): Record<string, unknown> {
  const shape = tinyShape(options);
  return {
    model_type: shape.family,
    hidden_size: shape.width,
    intermediate_size: shape.feedForward,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.contextLength,
    rms_norm_eps: shape.normEpsilon,
    rope_theta: options.theta ?? 10000,
    tie_word_embeddings: shape.tiedHead,
    hidden_act: "silu",
    bos_token_id: 1,
    eos_token_id: 2,
    ...options.config,
  };
}

/** Writes the folder and returns its path. */
export function writeTinyHf(path: string, options: TinyHfOptions = {}): string {
  mkdirSync(path, { recursive: true });
  const { dtype = "F32", shards = 1 } = options;
  const shape = tinyShape(options);
  const weights = tinyWeights(shape, options.seed ?? 1).map((weight) => toHfOrder(weight, shape));
  const files = Array.from({ length: shards }, (_unused, i) => weights.filter((_weight, n) => n % shards === i));
  const weightMap: Record<string, string> = {};
  for (const [i, part] of files.entries()) {
    const name = shards === 1 ? "model.safetensors" : `model-${i + 1}-of-${shards}.safetensors`;
    const entries = part.map(
      ({ name: key, shape: size, values }) => [hfName(key), { dtype: size.length === 1 ? "F32" : dtype, shape: size, values }] as const,
    );
    for (const [key] of entries) weightMap[key] = name;
    writeFileSync(join(path, name), writeSafetensors(Object.fromEntries(entries)));
  }
  if (shards > 1) writeFileSync(join(path, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
  writeFileSync(join(path, "config.json"), JSON.stringify(tinyHfConfig(options)));
  const { tokenizer, config } = bpeTokenizerJson(shape.vocabulary);
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify(config));
  return path;
}

/** GGUF keeps the two elements of a rotated pair side by side for llama; Hugging Face half a head apart. */
function toHfOrder(weight: TinyWeight, shape: DecoderShape): TinyWeight {
  if (shape.family !== "llama" || !/\.[qk]$/.test(weight.name)) return weight;
  const { headDim, width } = shape;
  const values = new Float32Array(weight.values.length);
  for (let row = 0; row < values.length / width; row++) {
    const within = row % headDim;
    const pair = Math.floor(within / 2);
    const target = row - within + pair + (within % 2) * (headDim / 2);
    values.set(weight.values.subarray(row * width, (row + 1) * width), target * width);
  }
  return { ...weight, values };
}

const HF_NAMES: Readonly<Record<string, string>> = {
  embedding: "model.embed_tokens.weight",
  head: "lm_head.weight",
  "final-norm": "model.norm.weight",
  "attention-norm": "input_layernorm.weight",
  q: "self_attn.q_proj.weight",
  k: "self_attn.k_proj.weight",
  v: "self_attn.v_proj.weight",
  o: "self_attn.o_proj.weight",
  "q-bias": "self_attn.q_proj.bias",
  "k-bias": "self_attn.k_proj.bias",
  "v-bias": "self_attn.v_proj.bias",
  "q-norm": "self_attn.q_norm.weight",
  "k-norm": "self_attn.k_norm.weight",
  "ffn-norm": "post_attention_layernorm.weight",
  gate: "mlp.gate_proj.weight",
  up: "mlp.up_proj.weight",
  down: "mlp.down_proj.weight",
};

function hfName(name: string): string {
  const [, layer, role = name] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
  return layer === undefined ? HF_NAMES[role]! : `model.layers.${layer}.${HF_NAMES[role]}`;
}
