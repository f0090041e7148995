import { HeddleError } from "../../base/heddle-error.ts";
import type { TensorName, WeightSource, WeightTensor } from "../decoder/weights.ts";
import type { GgufFile, GgufTensor } from "./gguf-file.ts";

const TOP_NAMES: Readonly<Record<string, TensorName>> = {
  "token_embd.weight": "embedding",
  "output.weight": "head",
  "output_norm.weight": "final-norm",
};
const LAYER_NAMES: Readonly<Record<string, string>> = {
  "attn_norm.weight": "attention-norm",
  "attn_q.weight": "q",
  "attn_k.weight": "k",
  "attn_v.weight": "v",
  "attn_output.weight": "o",
  "attn_q.bias": "q-bias",
  "attn_k.bias": "k-bias",
  "attn_v.bias": "v-bias",
  "attn_q_norm.weight": "q-norm",
  "attn_k_norm.weight": "k-norm",
  "ffn_norm.weight": "ffn-norm",
  "ffn_gate.weight": "gate",
  "ffn_up.weight": "up",
  "ffn_down.weight": "down",
};
/** Tensors that hold no weights of their own: rope divisors go into the spec, old converters stored rotations that are recomputed. */
const NOT_WEIGHTS = /^(rope_freqs\.weight|blk\.\d+\.attn_rot_embd(\.weight)?)$/;

/** The tensors of a file under heddle's names. Errors: `gguf-unsupported` naming a tensor of no known role. */
export function ggufWeights(file: GgufFile): WeightSource {
  const tensors = new Map<TensorName, GgufTensor>();
  for (const tensor of file.tensors.values()) {
    if (NOT_WEIGHTS.test(tensor.name)) continue;
    const name = heddleName(tensor.name);
    if (name === undefined) throw new HeddleError("gguf-unsupported", { where: `tensor ${tensor.name}`, detail: "its role is unknown" });
    tensors.set(name, tensor);
  }
  return {
    tensors,
    read: (name) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new HeddleError("model-weights-missing", { where: name });
      return readTensor(file, tensor, name);
    },
  };
}

export function readTensor(file: GgufFile, tensor: GgufTensor, name: TensorName): WeightTensor {
  return { name, format: tensor.format, shape: tensor.shape, data: file.bytes.read(tensor.offset, tensor.byteLength) };
}

function heddleName(name: string): TensorName | undefined {
  const layer = /^blk\.(0|[1-9]\d{0,5})\.(.+)$/.exec(name);
  if (layer === null) return Object.hasOwn(TOP_NAMES, name) ? TOP_NAMES[name] : undefined;
  const rest = layer[2] ?? "";
  return Object.hasOwn(LAYER_NAMES, rest) ? `layers.${layer[1]}.${LAYER_NAMES[rest]}` : undefined;
}
