import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { LatentAttention } from "../attention.ts";
import type { MixtureFeedForward } from "../feed-forward.ts";
import type { PlacedBlock } from "../stack.ts";
import { decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { invalidField, readFields, size, unknownSetting } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";

const fields = decoderFields.extend({
  intermediate_size: size,
  moe_intermediate_size: size,
  n_routed_experts: size,
  n_shared_experts: z.int().min(0).nullish(),
  num_experts_per_tok: size,
  n_group: size.nullish(),
  topk_group: size.nullish(),
  first_k_dense_replace: z.int().min(0),
  moe_layer_freq: z.int().nullish(),
  q_lora_rank: size.nullish(),
  kv_lora_rank: size,
  qk_nope_head_dim: size,
  qk_rope_head_dim: size,
  v_head_dim: size,
  num_nextn_predict_layers: z.int().min(0).max(64).nullish(),
  index_topk: size.nullish(),
});

/**
 * DeepSeek V2 and V3 (also R1 and V3.1), Kimi K2 and GLM-5: latent attention, dense first layers, many small experts and shared ones,
 * drafting modules. GLM-5 attends to the tokens its indexer chooses; here it attends to all, and the indexer is left out (a note says so).
 * Its active parameters are those of a token without the table of embeddings. Sources: arXiv 2405.04434, 2412.19437.
 */
export function deepseek(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const frequency = config.moe_layer_freq ?? 1;
  if (frequency !== 1) throw unknownSetting("moe_layer_freq", String(frequency));
  const attention: PlacedBlock = { block: latentOf(config), norms: "before" };
  const experts: PlacedBlock = { block: mixtureOf(config), norms: "before" };
  const dense: PlacedBlock = { block: gatedFeedForward(config.intermediate_size), norms: "before" };
  const layers = layersOf(config.num_hidden_layers, (index) => [attention, index < config.first_k_dense_replace ? dense : experts]);
  const mtp = layersOf(config.num_nextn_predict_layers ?? 0, () => [attention, experts]).map((layer) => ({ layer }));
  const notes = config.index_topk
    ? [`attention to ${config.index_topk} chosen tokens is described as attention to all, without the indexer`]
    : [];
  return decoderModel(config, decoderStack(config, layers), { mtp, activeConvention: "without-embedding", notes });
}

type Fields = z.output<typeof fields>;

function latentOf(config: Fields): LatentAttention {
  return {
    kind: "latent-attention",
    heads: config.num_attention_heads,
    queryRank: config.q_lora_rank ?? undefined,
    kvRank: config.kv_lora_rank,
    plainDim: config.qk_nope_head_dim,
    rotatedDim: config.qk_rope_head_dim,
    valueDim: config.v_head_dim,
    bias: config.attention_bias === true,
  };
}

function mixtureOf(config: Fields): MixtureFeedForward {
  const shared = config.n_shared_experts ?? 0;
  const gate = gateOf(config);
  return {
    ...mixture(config.n_routed_experts, config.num_experts_per_tok, config.moe_intermediate_size),
    ...(gate === undefined ? {} : { gate }),
    // V3 balances by an offset per expert that is stored with the weights.
    routerBias: config.model_type !== "deepseek_v2",
    shared: shared > 0 ? { inner: shared * config.moe_intermediate_size, gate: false } : undefined,
  };
}

/** V2 and V3 send a token to the experts of a few groups only, so that it leaves its node for few others. */
function gateOf({ n_group, topk_group, n_routed_experts: experts, num_experts_per_tok: active }: Fields): MixtureFeedForward["gate"] {
  const groups = n_group ?? 1;
  const chosen = topk_group ?? groups;
  if (experts % groups !== 0) throw invalidField("n_group", `${groups} groups of ${experts} experts`);
  if (chosen > groups || active * groups > chosen * experts)
    throw invalidField("topk_group", `${active} experts of ${chosen} of ${groups} groups`);
  return chosen < groups ? { groups, chosen } : undefined;
}
