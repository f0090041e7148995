import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention } from "../attention.ts";
import type { MixtureFeedForward } from "../feed-forward.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { familyChanges } from "./dense-decoders.ts";
import { flag, invalidField, readFields, size } from "./fields.ts";
import { reachFields, windowOf } from "./reach.ts";

const base = decoderFields.extend({ ...reachFields, num_experts_per_tok: size });
const everyLayer = base.extend({ intermediate_size: size });

/** Experts of every layer, as wide as `intermediate_size`: Mixtral (arXiv 2401.04088). */
export function mixtral(raw: unknown): SequenceModel {
  const config = readFields(everyLayer.extend({ num_local_experts: size }), raw);
  const attention = attentionOf(config, { reach: windowOf(config.sliding_window) });
  return ofMixtures(config, attention, mixture(config.num_local_experts, config.num_experts_per_tok, config.intermediate_size));
}

/** OLMoE (arXiv 2409.02060): queries and keys are normed over all heads together. */
export function olmoe(raw: unknown): SequenceModel {
  const config = readFields(everyLayer.extend({ num_experts: size }), raw);
  const attention = attentionOf(config, { qkNorm: "whole" });
  return ofMixtures(config, attention, mixture(config.num_experts, config.num_experts_per_tok, config.intermediate_size));
}

/** Granite 3 MoE, and its variant with a shared expert. */
export function graniteMoe(raw: unknown): SequenceModel {
  const config = readFields(everyLayer.extend({ num_local_experts: size, shared_intermediate_size: z.int().min(0).nullish() }), raw);
  const inner = config.shared_intermediate_size ?? 0;
  const shared = inner > 0 ? { inner, gate: false } : undefined;
  const block = { ...mixture(config.num_local_experts, config.num_experts_per_tok, config.intermediate_size), shared };
  return ofMixtures(config, attentionOf(config), block);
}

const qwenFields = base.extend({
  intermediate_size: size,
  num_experts: size,
  moe_intermediate_size: size,
  shared_expert_intermediate_size: size.nullish(),
  decoder_sparse_step: size.nullish(),
  mlp_only_layers: z.array(z.int().min(0)).nullish(),
  qkv_bias: flag,
});

/** Qwen2 and Qwen3 MoE: dense feed-forwards in the layers that `mlp_only_layers` and `decoder_sparse_step` leave out. */
export function qwenMoe(raw: unknown): SequenceModel {
  const config = readFields(qwenFields, raw);
  const inner = config.shared_expert_intermediate_size;
  if (config.model_type === "qwen2_moe" && !inner) throw invalidField("shared_expert_intermediate_size", "it is missing");
  if (config.use_sliding_window === true)
    throw invalidField("use_sliding_window", "no published mixture slides; which layers do is not known");
  const shared = config.model_type === "qwen2_moe" && inner ? { inner, gate: true } : undefined;
  const block = { ...mixture(config.num_experts, config.num_experts_per_tok, config.moe_intermediate_size), shared };
  const dense = gatedFeedForward(config.intermediate_size);
  const step = config.decoder_sparse_step ?? 1;
  const only = new Set(config.mlp_only_layers ?? []);
  const attention = attentionOf(config, config.model_type === "qwen2_moe" && config.qkv_bias === false ? {} : familyChanges(config));
  const layers = layersOf(config.num_hidden_layers, (index) => [
    { block: attention, norms: "before" },
    { block: only.has(index) || (index + 1) % step !== 0 ? dense : block, norms: "before" },
  ]);
  return decoderModel(config, decoderStack(config, layers));
}

/** A block of experts with gate, up and down products. Errors: more active experts than there are. */
export function mixture(experts: number, active: number, inner: number): MixtureFeedForward {
  if (active > experts) throw invalidField("num_experts_per_tok", `${active} of ${experts} experts`);
  return { kind: "mixture", experts, active, inner, bias: false, routerBias: false, shared: undefined };
}

function ofMixtures(config: z.output<typeof base>, attention: Attention, block: MixtureFeedForward): SequenceModel {
  const layers = layersOf(config.num_hidden_layers, () => [
    { block: attention, norms: "before" },
    { block, norms: "before" },
  ]);
  return decoderModel(config, decoderStack(config, layers));
}
