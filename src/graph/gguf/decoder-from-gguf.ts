import { HeddleError } from "../../base/heddle-error.ts";
import { fingerprintOf } from "../decoder/fingerprint.ts";
import type { DecoderModel, TokenizerSource } from "../decoder/model.ts";
import { ropeSpec } from "../decoder/rope.ts";
import type { DecoderFamily, DecoderSpec } from "../decoder/spec.ts";
import { checkTensors, type DecoderShape } from "../decoder/tensor-shapes.ts";
import type { WeightSource } from "../decoder/weights.ts";
import { GgufFields } from "./gguf-fields.ts";
import type { GgufFile } from "./gguf-file.ts";
import { ropeScalingOf } from "./gguf-rope.ts";
import { ggufWeights, readTensor } from "./gguf-weights.ts";
import { tokenizerFromGguf } from "./tokenizer-from-gguf.ts";

/** Architectures of llama.cpp that are read; only `llama` stores queries and keys for interleaved rotation. */
const FAMILIES: ReadonlyMap<string, DecoderFamily> = new Map([
  ["llama", "llama"],
  ["qwen2", "qwen2"],
  ["qwen3", "qwen3"],
]);
const DEFAULT_THETA = 10000;

/** Keys below `<architecture>.` that are read, or say nothing about the arithmetic; any other may change results and is refused. */
const KNOWN_KEYS: ReadonlySet<string> = new Set(
  (
    "context_length embedding_length block_count feed_forward_length vocab_size attention.head_count attention.head_count_kv " +
    "attention.layer_norm_rms_epsilon attention.key_length attention.value_length attention.sliding_window attention.causal " +
    "expert_count expert_used_count rope.dimension_count rope.freq_base rope.scale_linear rope.scaling.type rope.scaling.factor " +
    "rope.scaling.original_context_length rope.scaling.attn_factor rope.scaling.finetuned rope.scaling.yarn_ext_factor " +
    "rope.scaling.yarn_attn_factor rope.scaling.yarn_beta_fast rope.scaling.yarn_beta_slow tensor_data_layout use_parallel_residual"
  ).split(" "),
);

/**
 * The decoder a GGUF file describes: families llama (SmolLM2, Mistral and Llama 2 and 3 use it), qwen2 and qwen3. `name` defaults to
 * `general.name`, `source` says where the file is. The tokenizer is built when first asked for.
 *
 * Errors: `gguf-invalid`, `gguf-unsupported`, `model-unsupported`, `model-weights-missing`, `model-config-invalid`, naming key or tensor.
 */
export function decoderFromGguf(file: GgufFile, name?: string, source: Pick<DecoderModel, "file"> = {}): DecoderModel {
  const fields = new GgufFields(file.metadata);
  const weights = ggufWeights(file);
  const spec = specOf(file, fields, { weights, name });
  let tokenizer: TokenizerSource | undefined;
  let fingerprint: string | undefined;
  return {
    ...source,
    spec,
    weights,
    get tokenizer() {
      tokenizer ??= tokenizerFromGguf(fields);
      return tokenizer;
    },
    get fingerprint() {
      fingerprint ??= fingerprintOf([{ bytes: file.bytes, headerBytes: file.headerBytes, tensors: file.tensors.values() }]);
      return fingerprint;
    },
  };
}

function specOf(file: GgufFile, fields: GgufFields, given: { weights: WeightSource; name: string | undefined }): DecoderSpec {
  const architecture = fields.string("general.architecture");
  if (architecture === undefined) throw new HeddleError("gguf-invalid", { where: "general.architecture", detail: "it is missing" });
  const family = FAMILIES.get(architecture);
  if (family === undefined) throw new HeddleError("model-unsupported", { where: "general.architecture", detail: architecture });
  refuseUnknownKeys(fields, architecture);
  if ((fields.integer("split.count") ?? 1) > 1)
    throw unsupported("split.count", "a model in several files; join them with llama-gguf-split");
  const name = given.name ?? fields.string("general.name") ?? architecture;
  const shape = shapeOf(fields, { architecture, family, name, weights: given.weights });
  checkTensors(shape, given.weights.tensors);
  refuseUnread(fields, architecture, shape);
  const divisors = file.tensors.get("rope_freqs.weight");
  const scaling = ropeScalingOf(fields, {
    architecture,
    headDim: shape.headDim,
    divisors: divisors && readTensor(file, divisors, divisors.name),
  });
  const theta = fields.positive(`${architecture}.rope.freq_base`) ?? DEFAULT_THETA;
  return { ...shape, rope: ropeSpec({ theta, headDim: shape.headDim, interleaved: architecture === "llama" }, scaling) };
}

interface ShapeFacts {
  readonly architecture: string;
  readonly family: DecoderFamily;
  readonly name: string;
  readonly weights: WeightSource;
}

function shapeOf(fields: GgufFields, facts: ShapeFacts): DecoderShape {
  const { family, name } = facts;
  const key = (rest: string): string => `${facts.architecture}.${rest}`;
  const tensors = facts.weights.tensors;
  const width = fields.size(key("embedding_length"));
  const heads = fields.size(key("attention.head_count"));
  const kvHeads = fields.sizeOr(key("attention.head_count_kv"), heads);
  const headDim = fields.sizeOr(key("attention.key_length"), width / heads);
  if (heads % kvHeads !== 0) throw invalid(key("attention.head_count_kv"), `${heads} heads over ${kvHeads} key-value heads`);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) throw invalid(key("attention.head_count"), `heads of ${headDim} elements`);
  const epsilon = fields.positive(key("attention.layer_norm_rms_epsilon"));
  if (epsilon === undefined) throw invalid(key("attention.layer_norm_rms_epsilon"), "it is missing");
  const vocabulary = tensors.get("embedding")?.shape[0];
  if (vocabulary === undefined) throw new HeddleError("model-weights-missing", { where: "embedding" });
  return {
    family,
    name,
    layers: fields.size(key("block_count")),
    width,
    heads,
    kvHeads,
    headDim,
    feedForward: fields.size(key("feed_forward_length")),
    vocabulary,
    contextLength: fields.size(key("context_length")),
    normEpsilon: epsilon,
    qkvBias: family === "qwen2" || tensors.has("layers.0.q-bias"),
    qkNorm: family === "qwen3",
    tiedHead: !tensors.has("head"),
  };
}

/** Refuses settings that are read but would change the arithmetic in ways heddle does not compute. */
function refuseUnread(fields: GgufFields, architecture: string, shape: DecoderShape): void {
  const key = (rest: string): string => `${architecture}.${rest}`;
  const { headDim, contextLength } = shape;
  if (fields.sizeOr(key("attention.value_length"), headDim) !== headDim) {
    throw unsupported(key("attention.value_length"), "values and keys of different sizes");
  }
  if (fields.sizeOr(key("rope.dimension_count"), headDim) !== headDim) {
    throw unsupported(key("rope.dimension_count"), "rotation of a part of the head");
  }
  if ((fields.integer(key("expert_count")) ?? 0) > 0) throw unsupported(key("expert_count"), "mixtures of experts");
  if (fields.boolean(key("attention.causal")) === false) throw unsupported(key("attention.causal"), "attention that looks ahead");
  const window = fields.integer(key("attention.sliding_window")) ?? 0;
  if (window > 0 && window < contextLength) throw unsupported(key("attention.sliding_window"), `a window of ${window} tokens`);
}

function refuseUnknownKeys(fields: GgufFields, architecture: string): void {
  const prefix = `${architecture}.`;
  for (const key of fields.keys()) {
    if (key.startsWith(prefix) && !KNOWN_KEYS.has(key.slice(prefix.length))) throw unsupported(key, "its meaning is unknown");
  }
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("gguf-invalid", { where, detail });
}

function unsupported(where: string, detail: string): HeddleError {
  return new HeddleError("gguf-unsupported", { where, detail });
}
