import type { SequenceModel } from "../architecture.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, layersOf } from "./decoder-fields.ts";
import { readFields, size } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";
import { listedReach, reachFields, windowOf } from "./reach.ts";

const fields = decoderFields.extend({ ...reachFields, intermediate_size: size, num_local_experts: size, num_experts_per_tok: size });

/**
 * gpt-oss: biases everywhere, a sink per head, every other layer a window. OpenAI counts the head among active parameters, not the
 * embeddings. Source: gpt-oss model card, arXiv 2508.10925, table 1; transformers 5.23 `modeling_gpt_oss.py`.
 */
export function gptOss(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const { num_hidden_layers: layers, sliding_window: window } = config;
  const experts = mixture(config.num_local_experts, config.num_experts_per_tok, config.intermediate_size);
  const biased = { ...config, attention_bias: config.attention_bias ?? true };
  const types = config.layer_types ?? undefined;
  const stack = decoderStack(
    config,
    layersOf(layers, (index) => {
      const reach = types === undefined ? windowOf(index % 2 === 0 ? window : 0) : listedReach(types, index, { window, layers });
      return [
        { block: attentionOf(biased, { sinks: true, reach }), norms: "before" },
        { block: { ...experts, bias: true, routerBias: true }, norms: "before" },
      ];
    }),
  );
  return decoderModel(config, stack, { activeConvention: "without-embedding" });
}
