import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Indexer, LatentAttention } from "../attention.ts";
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
  index_n_heads: size.nullish(),
  index_head_dim: size.nullish(),
  index_topk_freq: size.nullish(),
  indexer_types: z.array(z.enum(["full", "shared"])).nullish(),
});

/**
 * DeepSeek V2 and V3 (also R1, V3.1 and V3.2), Kimi K2 and GLM-5: latent attention, dense first layers, many small experts and shared ones,
 * drafting modules; V3.2 and GLM-5 attend to the tokens that an indexer chooses, in GLM-5.2 one for several layers.
 * Active parameters are those of a token without the table of embeddings. Sources: arXiv 2405.04434, 2412.19437, 2512.02556.
 */
export function deepseek(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const frequency = config.moe_layer_freq ?? 1;
  if (frequency !== 1) throw unknownSetting("moe_layer_freq", String(frequency));
  const attentionAt = attentionsOf(config);
  const experts: PlacedBlock = { block: mixtureOf(config), norms: "before" };
  const dense: PlacedBlock = { block: gatedFeedForward(config.intermediate_size), norms: "before" };
  const layers = layersOf(config.num_hidden_layers, (index) => [
    attentionAt(index),
    index < config.first_k_dense_replace ? dense : experts,
  ]);
  const mtp = layersOf(config.num_nextn_predict_layers ?? 0, () => [attentionAt(0), experts]).map((layer) => ({ layer }));
  return decoderModel(config, decoderStack(config, layers), { mtp, activeConvention: "without-embedding" });
}

type Fields = z.output<typeof fields>;

/** Attention of each layer; a drafting module has that of the first. */
function attentionsOf(config: Fields): (index: number) => PlacedBlock {
  const types = config.indexer_types ?? undefined;
  if (types === undefined && (config.index_topk_freq ?? 1) !== 1) throw unknownSetting("index_topk_freq", "without indexer_types");
  if (types !== undefined && types.length !== config.num_hidden_layers)
    throw invalidField("indexer_types", `${types.length} for ${config.num_hidden_layers} layers`);
  if (types?.[0] === "shared") throw invalidField("indexer_types", "the first layer has none before it to share with");
  const plain = latentOf(config);
  const placed = (scores: Indexer["scores"]): PlacedBlock => {
    const indexer = indexerOf(config, scores);
    return { block: indexer === undefined ? plain : { ...plain, indexer }, norms: "before" };
  };
  const own = placed("own");
  const shared = placed("shared");
  return (index) => (types?.[index] === "shared" ? shared : own);
}

/** Errors: `model-config-invalid` where a part of the indexer is missing, or there are no ranks of queries that it could read. */
function indexerOf(config: Fields, scores: Indexer["scores"]): Indexer | undefined {
  const { index_topk: chosen, index_n_heads: heads, index_head_dim: headDim } = config;
  if (!chosen) {
    if (heads || headDim) throw invalidField("index_topk", "an indexer that chooses no number of tokens");
    return undefined;
  }
  if (!heads) throw invalidField("index_n_heads", "it is missing beside index_topk");
  if (!headDim) throw invalidField("index_head_dim", "it is missing beside index_topk");
  if (!config.q_lora_rank) throw invalidField("q_lora_rank", "an indexer reads queries of a rank");
  return { chosen, scores, heads, headDim };
}

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
