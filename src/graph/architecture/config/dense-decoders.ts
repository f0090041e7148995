import type { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention, Reach } from "../attention.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { flag, readFields, size } from "./fields.ts";
import { ALL, listedReach, reachFields, windowOf } from "./reach.ts";

const fields = decoderFields.extend({ ...reachFields, intermediate_size: size, mlp_bias: flag });

type DenseFields = z.output<typeof fields>;

/** Dense decoders that differ from Llama by a bias, a norm or a window. Source: transformers 5.23, `modeling_<family>.py`. */
export function denseDecoder(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const { num_hidden_layers: layers, intermediate_size: inner } = config;
  const feedForward = gatedFeedForward(inner, config.mlp_bias === true);
  const stack = decoderStack(
    config,
    layersOf(layers, (index) => [
      { block: attentionOf(config, { ...familyChanges(config), reach: reachOf(config, index) }), norms: "before" },
      { block: feedForward, norms: "before" },
    ]),
  );
  return decoderModel(config, stack);
}

/** Qwen2 has biases of queries, keys and values whatever the configuration says; Qwen3 norms queries and keys per head. */
export function familyChanges({ model_type: family }: { readonly model_type: string }): Partial<Attention> {
  if (family.startsWith("qwen2")) return { bias: { q: true, k: true, v: true, o: false } };
  return family.startsWith("qwen3") ? { qkNorm: "per-head" } : {};
}

/** Mistral and Phi-3 slide over every layer, Qwen over those from `max_window_layers` on where `use_sliding_window` is set; Llama never. */
function reachOf(config: DenseFields, index: number): Reach {
  const { model_type: family, num_hidden_layers: layers, sliding_window: window } = config;
  if (family === "llama" || family === "granite") return ALL;
  if (family === "mistral" || family === "phi3" || family === "mixtral") return windowOf(window);
  if (config.use_sliding_window !== true) return ALL;
  if (config.layer_types) return listedReach(config.layer_types, index, { window, layers });
  return index >= (config.max_window_layers ?? layers) ? windowOf(window) : ALL;
}
