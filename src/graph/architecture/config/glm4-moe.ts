import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { PlacedBlock } from "../stack.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { flag, readFields, size, unknownSetting } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";

const fields = decoderFields.extend({
  intermediate_size: size,
  moe_intermediate_size: size,
  n_routed_experts: size,
  n_shared_experts: z.int().min(0).nullish(),
  num_experts_per_tok: size,
  n_group: size.nullish(),
  first_k_dense_replace: z.int().min(0),
  num_nextn_predict_layers: z.int().min(0).max(64).nullish(),
  use_qk_norm: flag,
});

/**
 * GLM-4.5 to 4.7: attention of grouped queries, biases of queries, keys and values alone, dense first layers, then experts and shared ones, drafting
 * modules. Active parameters are those of a token without the table of embeddings. Sources: arXiv 2508.06471; transformers, `modeling_glm4_moe.py`.
 */
export function glm4Moe(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  if ((config.n_group ?? 1) !== 1) throw unknownSetting("n_group", `${config.n_group} groups of experts`);
  const bias = config.attention_bias === true;
  const attention: PlacedBlock = {
    block: attentionOf(config, {
      bias: { q: bias, k: bias, v: bias, o: false },
      qkNorm: config.use_qk_norm === true ? "per-head" : "none",
    }),
    norms: "before",
  };
  const shared = (config.n_shared_experts ?? 0) * config.moe_intermediate_size;
  const experts: PlacedBlock = {
    block: {
      ...mixture(config.n_routed_experts, config.num_experts_per_tok, config.moe_intermediate_size),
      routerBias: true,
      shared: shared > 0 ? { inner: shared, gate: false } : undefined,
    },
    norms: "before",
  };
  const dense: PlacedBlock = { block: gatedFeedForward(config.intermediate_size), norms: "before" };
  const layers = layersOf(config.num_hidden_layers, (index) => [attention, index < config.first_k_dense_replace ? dense : experts]);
  const mtp = layersOf(config.num_nextn_predict_layers ?? 0, () => [attention, experts]).map((layer) => ({ layer }));
  return decoderModel(config, decoderStack(config, layers), { mtp, activeConvention: "without-embedding" });
}
