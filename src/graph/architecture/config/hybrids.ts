import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { DenseFeedForward, MixtureFeedForward } from "../feed-forward.ts";
import type { Mamba2 } from "../mamba2.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { divide, flag, invalidField, readFields, size, unknownSetting } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";

const mambaFields = decoderFields.extend({
  intermediate_size: size,
  mamba_n_heads: size,
  mamba_d_head: z.union([size, z.literal("auto")]).default("auto"),
  mamba_d_state: size,
  mamba_d_conv: size.default(4),
  mamba_n_groups: size.default(1),
  mamba_expand: size.default(2),
  mamba_conv_bias: flag,
  mamba_proj_bias: flag,
});

const bambaFields = mambaFields.extend({ attn_layer_indices: z.array(z.int().min(0)), mlp_bias: flag });

/** Bamba: Mamba-2 mixers, attention in a few layers, dense feed-forwards. Source: transformers 5.23 `modeling_bamba.py`. */
export function bamba(raw: unknown): SequenceModel {
  const config = readFields(bambaFields, raw);
  const attends = new Set(config.attn_layer_indices);
  return hybrid(config, (index) => attends.has(index), gatedFeedForward(config.intermediate_size, config.mlp_bias === true));
}

const graniteFields = mambaFields.extend({
  num_local_experts: z.int().min(0).nullish(),
  num_experts_per_tok: z.int().min(0).nullish(),
  shared_intermediate_size: size,
  layer_types: z.array(z.string()),
  position_embedding_type: z.string().nullish(),
});

/** Granite 4: as `layer_types` says; experts with a shared one, or the shared one alone. Source: transformers 5.23 `modeling_granitemoehybrid.py`. */
export function graniteHybrid(raw: unknown): SequenceModel {
  const config = readFields(graniteFields, raw);
  const { layer_types: types, num_local_experts: experts, num_experts_per_tok: active, shared_intermediate_size: inner } = config;
  if (types.length !== config.num_hidden_layers)
    throw invalidField("layer_types", `${types.length} names for ${config.num_hidden_layers} layers`);
  const other = types.find((type) => !["attention", "full_attention", "mamba", "linear_attention"].includes(type));
  if (other !== undefined) throw unknownSetting("layer_types", other);
  const block =
    experts && active ? { ...mixture(experts, active, config.intermediate_size), shared: { inner, gate: false } } : gatedFeedForward(inner);
  return hybrid(
    config,
    (index) => types[index]?.endsWith("attention") === true && types[index] !== "linear_attention",
    block,
    config.position_embedding_type === "rope",
  );
}

function hybrid(
  config: z.output<typeof mambaFields>,
  attends: (index: number) => boolean,
  feedForward: DenseFeedForward | MixtureFeedForward,
  rotary = true,
): SequenceModel {
  const mixer = mixerOf(config);
  const attention = attentionOf(config, { rotary });
  const layers = layersOf(config.num_hidden_layers, (index) => [
    { block: attends(index) ? attention : mixer, norms: "before" },
    { block: feedForward, norms: "before" },
  ]);
  return decoderModel(config, decoderStack(config, layers));
}

function mixerOf(config: z.output<typeof mambaFields>): Mamba2 {
  const inner = config.mamba_expand * config.hidden_size;
  const heads = config.mamba_n_heads;
  const headDim = config.mamba_d_head === "auto" ? divide(inner, heads, "mamba_n_heads") : config.mamba_d_head;
  if (heads * headDim !== inner) throw invalidField("mamba_d_head", `${heads} heads of ${headDim} for ${inner} elements`);
  divide(heads, config.mamba_n_groups, "mamba_n_groups");
  return {
    kind: "mamba2",
    heads,
    headDim,
    groups: config.mamba_n_groups,
    stateSize: config.mamba_d_state,
    kernel: config.mamba_d_conv,
    convolutionBias: config.mamba_conv_bias ?? true,
    bias: config.mamba_proj_bias ?? false,
  };
}
