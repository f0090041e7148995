import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { TensorName, WeightFormat, WeightSource } from "../decoder/weights.ts";
import { readSafetensors, type SafetensorsFile, type SafetensorsTensor } from "../safetensors/read-safetensors.ts";
import { parseJson } from "./hf-config.ts";

const TOP_NAMES: Readonly<Record<string, TensorName>> = {
  "model.embed_tokens.weight": "embedding",
  "model.norm.weight": "final-norm",
  "lm_head.weight": "head",
};
const LAYER_NAMES: Readonly<Record<string, string>> = {
  "input_layernorm.weight": "attention-norm",
  "self_attn.q_proj.weight": "q",
  "self_attn.k_proj.weight": "k",
  "self_attn.v_proj.weight": "v",
  "self_attn.o_proj.weight": "o",
  "self_attn.q_proj.bias": "q-bias",
  "self_attn.k_proj.bias": "k-bias",
  "self_attn.v_proj.bias": "v-bias",
  "self_attn.q_norm.weight": "q-norm",
  "self_attn.k_norm.weight": "k-norm",
  "post_attention_layernorm.weight": "ffn-norm",
  "mlp.gate_proj.weight": "gate",
  "mlp.up_proj.weight": "up",
  "mlp.down_proj.weight": "down",
};
/** Rotations that old checkpoints stored; they follow from the configuration. */
const NOT_WEIGHTS = /^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/;

interface PlacedTensor {
  readonly format: WeightFormat;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly byteLength: number;
  readonly bytes: ByteSource;
}

export interface HfWeights extends WeightSource {
  readonly files: readonly SafetensorsFile[];
}

/**
 * Tensors of one or several safetensors files under heddle's names; a tied head's copy is left out.
 *
 * Errors: `safetensors-invalid`; `model-unsupported` naming a tensor of no known role or type.
 */
export function hfWeights(files: ReadonlyMap<string, ByteSource>, tiedHead: boolean): HfWeights {
  const tensors = new Map<TensorName, PlacedTensor>();
  const read: SafetensorsFile[] = [];
  for (const [fileName, bytes] of files) {
    const file = readSafetensors(bytes, fileName);
    read.push(file);
    for (const [key, tensor] of file.tensors) {
      if (NOT_WEIGHTS.test(key)) continue;
      const name = heddleName(key);
      if (name === "head" && tiedHead) continue;
      if (tensors.has(name))
        throw new HeddleError("safetensors-invalid", { where: `${fileName}, tensor ${key}`, detail: "it appears twice" });
      tensors.set(name, placed(tensor, key, bytes));
    }
  }
  return {
    files: read,
    tensors,
    read: (name) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new HeddleError("model-weights-missing", { where: name });
      return { name, format: tensor.format, shape: tensor.shape, data: tensor.bytes.read(tensor.offset, tensor.byteLength) };
    },
  };
}

function placed(tensor: SafetensorsTensor, key: string, bytes: ByteSource): PlacedTensor {
  const { format, shape, offset, byteLength } = tensor;
  if (format === "unread") throw new HeddleError("model-unsupported", { where: `tensor ${key}`, detail: `the type ${tensor.type}` });
  return { format, shape, offset, byteLength, bytes };
}

function heddleName(key: string): TensorName {
  const layer = /^model\.layers\.(0|[1-9]\d{0,5})\.(.+)$/.exec(key);
  const table = layer === null ? TOP_NAMES : LAYER_NAMES;
  const rest = layer?.[2] ?? key;
  const known = Object.hasOwn(table, rest) ? table[rest] : undefined;
  if (known === undefined) throw new HeddleError("model-unsupported", { where: `tensor ${key}`, detail: "its role is unknown" });
  return layer === null ? known : `layers.${layer[1]}.${known}`;
}

/**
 * Names of the weight files an index (`model.safetensors.index.json`) lists, in order. They are plain names inside the model's folder.
 *
 * Errors: `model-config-invalid`.
 */
export function shardNames(indexText: string): string[] {
  const file = "model.safetensors.index.json";
  const index = parseJson(indexText, file);
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : undefined;
  if (typeof map !== "object" || map === null) throw new HeddleError("model-config-invalid", { where: `${file}, weight_map` });
  const names = new Set<string>();
  for (const [tensor, name] of Object.entries(map)) {
    if (typeof name !== "string" || !/^[\w.-]+\.safetensors$/.test(name)) {
      throw new HeddleError("model-config-invalid", {
        where: `${file}, weight_map.${tensor}`,
        detail: "it is no name of a safetensors file",
      });
    }
    names.add(name);
  }
  return [...names].sort();
}
