import { HeddleError } from "../../../base/heddle-error.ts";
import { GgufFields } from "../../gguf/gguf-fields.ts";
import type { GgufFile } from "../../gguf/gguf-file.ts";
import type { Architecture } from "../architecture.ts";
import { architectureOf } from "./read-architecture.ts";

/** `model_type` by `general.architecture`, where the metadata say all that the layers need. */
const FAMILIES: ReadonlyMap<string, string> = new Map([
  ["llama", "llama"],
  ["qwen2", "qwen2"],
  ["qwen3", "qwen3"],
  ["qwen3moe", "qwen3_moe"],
  ["gemma2", "gemma2"],
  ["gemma3", "gemma3_text"],
  ["phi3", "phi3"],
  ["granite", "granite"],
  ["olmoe", "olmoe"],
]);

/** Metadata by the fields of config.json. Source: gguf-py `constants.py` and `convert_hf_to_gguf.py` of llama.cpp. */
const REQUIRED: Readonly<Record<string, string>> = {
  hidden_size: "embedding_length",
  num_hidden_layers: "block_count",
  intermediate_size: "feed_forward_length",
  num_attention_heads: "attention.head_count",
};
const OPTIONAL: Readonly<Record<string, string>> = {
  num_key_value_heads: "attention.head_count_kv",
  head_dim: "attention.key_length",
  max_position_embeddings: "context_length",
  num_experts_per_tok: "expert_used_count",
  moe_intermediate_size: "expert_feed_forward_length",
};

/**
 * The architecture a GGUF file describes.
 *
 * Errors: `architecture-unknown` naming `general.architecture`; `gguf-invalid` and `gguf-unsupported` naming the key; those of the
 * configuration's reader.
 */
export function architectureOfGguf(file: GgufFile): Architecture {
  const fields = new GgufFields(file.metadata);
  const name = fields.string("general.architecture");
  if (name === undefined) throw new HeddleError("gguf-invalid", { where: "general.architecture", detail: "it is missing" });
  if (name === "deepseek2") return deepseekOfGguf(fields, file);
  const family = FAMILIES.get(name);
  if (family === undefined) throw new HeddleError("architecture-unknown", { where: "general.architecture", detail: name });
  const config: Record<string, unknown> = {};
  for (const [field, key] of Object.entries(REQUIRED)) config[field] = fields.size(`${name}.${key}`);
  for (const [field, key] of Object.entries(OPTIONAL)) {
    if (fields.has(`${name}.${key}`)) config[field] = fields.size(`${name}.${key}`);
  }
  // Converters write 0 where nothing slides.
  const window = fields.integer(`${name}.attention.sliding_window`) ?? 0;
  const experts = fields.sizeOr(`${name}.expert_count`, 1);
  const mixture = family === "llama" && experts > 1;
  return architectureOf({
    ...config,
    ...(window > 0 ? { sliding_window: window } : {}),
    ...(experts > 1 ? { num_experts: experts, num_local_experts: experts } : {}),
    model_type: mixture ? "mixtral" : family,
    vocab_size: vocabularyOf(file),
    tie_word_embeddings: !file.tensors.has("output.weight"),
  });
}

/** Keys of DeepSeek V2, V3 and their relatives by the fields of config.json; those of groups are there since converters of October 2025. */
const DEEPSEEK: Readonly<Record<string, string>> = {
  n_routed_experts: "expert_count",
  num_experts_per_tok: "expert_used_count",
  moe_intermediate_size: "expert_feed_forward_length",
  kv_lora_rank: "attention.kv_lora_rank",
  qk_rope_head_dim: "rope.dimension_count",
};
const DEEPSEEK_OPTIONAL: Readonly<Record<string, string>> = {
  n_group: "expert_group_count",
  topk_group: "expert_group_used_count",
  q_lora_rank: "attention.q_lora_rank",
  max_position_embeddings: "context_length",
};

/**
 * Latent attention is written as attention with one wide key (`key_length` is its rank and the rotated part, `head_count_kv` 1); the heads' own sizes then
 * stand under `_mla`, and under the plain names in older files. Without fields of groups every expert may be chosen.
 *
 * Source: llama.cpp `convert_hf_to_gguf.py`, `DeepseekV2Model` and `TextModel.set_gguf_parameters`; gguf-py `constants.py`.
 */
function deepseekOfGguf(fields: GgufFields, file: GgufFile): Architecture {
  const at = (key: string): string => `deepseek2.${key}`;
  const config: Record<string, unknown> = {};
  for (const [field, key] of Object.entries({ ...REQUIRED, ...DEEPSEEK })) config[field] = fields.size(at(key));
  for (const [field, key] of Object.entries(DEEPSEEK_OPTIONAL)) if (fields.has(at(key))) config[field] = fields.size(at(key));
  const headSize = (kind: "key" | "value"): number =>
    fields.size(at(fields.has(at(`attention.${kind}_length_mla`)) ? `attention.${kind}_length_mla` : `attention.${kind}_length`));
  const rotated = fields.size(at("rope.dimension_count"));
  const plain = headSize("key") - rotated;
  if (plain < 1)
    throw new HeddleError("gguf-invalid", { where: at("attention.key_length"), detail: `${rotated} of its sizes are rotated` });
  const drafts = fields.integer(at("nextn_predict_layers")) ?? 0;
  return architectureOf({
    ...config,
    num_hidden_layers: fields.size(at("block_count")) - drafts,
    num_nextn_predict_layers: drafts,
    qk_nope_head_dim: plain,
    v_head_dim: headSize("value"),
    n_shared_experts: fields.integer(at("expert_shared_count")) ?? 0,
    first_k_dense_replace: fields.integer(at("leading_dense_block_count")) ?? 0,
    // V3 balances by an offset per expert that is stored with the weights.
    model_type: [...file.tensors.keys()].some((tensor) => tensor.includes("exp_probs_b")) ? "deepseek_v3" : "deepseek_v2",
    vocab_size: vocabularyOf(file),
    tie_word_embeddings: !file.tensors.has("output.weight"),
  });
}

/** Rows of the table of embeddings; the metadata name the vocabulary only where a tokenizer is stored. */
function vocabularyOf(file: GgufFile): number {
  const rows = file.tensors.get("token_embd.weight")?.shape[0];
  if (rows === undefined) throw new HeddleError("model-weights-missing", { where: "token_embd.weight" });
  return rows;
}
