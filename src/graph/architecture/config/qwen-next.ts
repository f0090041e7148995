import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Mamba2 } from "../mamba2.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, layersOf } from "./decoder-fields.ts";
import { readFields, size, unknownSetting } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";

const fields = decoderFields.extend({
  full_attention_interval: size.default(4),
  layer_types: z.array(z.string()).nullish(),
  linear_num_key_heads: size,
  linear_num_value_heads: size,
  linear_key_head_dim: size,
  linear_value_head_dim: size,
  linear_conv_kernel_dim: size.default(4),
  num_experts: size,
  num_experts_per_tok: size,
  moe_intermediate_size: size,
  shared_expert_intermediate_size: size,
});

/**
 * Qwen3-Next and Qwen3.5 MoE (their text part): three of four layers mix by a gated delta rule, every fourth attends; experts in all.
 *
 * Model: the mixer is described by a Mamba-2 mixer with the same heads, state (heads x value dim x key dim) and convolution; its input
 * product has one gate a head fewer. Sources: transformers 5.23 `modeling_qwen3_next.py`; arXiv 2412.06464.
 */
export function qwenNext(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const types = config.layer_types ?? undefined;
  const other = types?.find((type) => type !== "full_attention" && type !== "linear_attention");
  if (other !== undefined) throw unknownSetting("layer_types", other);
  const mixer: Mamba2 = {
    kind: "mamba2",
    heads: config.linear_num_value_heads,
    headDim: config.linear_value_head_dim,
    groups: config.linear_num_key_heads,
    stateSize: config.linear_key_head_dim,
    kernel: config.linear_conv_kernel_dim,
    convolutionBias: false,
    bias: false,
  };
  const attention = attentionOf(config, { qkNorm: "per-head" });
  const experts = {
    ...mixture(config.num_experts, config.num_experts_per_tok, config.moe_intermediate_size),
    shared: { inner: config.shared_expert_intermediate_size, gate: true },
  };
  const attends = (index: number): boolean =>
    types === undefined ? (index + 1) % config.full_attention_interval === 0 : types[index] === "full_attention";
  const layers = layersOf(config.num_hidden_layers, (index) => [
    { block: attends(index) ? attention : mixer, norms: "before" },
    { block: experts, norms: "before" },
  ]);
  return decoderModel(config, decoderStack(config, layers), {
    notes: [
      "gated delta mixers are described by Mamba-2 mixers of the same state and products",
      "the output gate of attention (as many columns as queries) is not described",
    ],
  });
}
