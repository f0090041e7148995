import type { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Reach } from "../attention.ts";
import type { Layer } from "../stack.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { optionalSize, readFields, size } from "./fields.ts";
import { ALL, listedReach, reachFields, windowOf } from "./reach.ts";

const fields = decoderFields.extend({ ...reachFields, intermediate_size: size, head_dim: size, sliding_window: optionalSize });

/** Gemma 2: every other layer slides, norms before and behind each block, the head is the table. Source: arXiv 2408.00118, table 1. */
export function gemma2(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  return decoderModel(config, decoderStack(config, gemmaLayers(config, 2), { tiedByDefault: true }));
}

/** Published Gemma 3 files leave out what equals the defaults. Source: transformers 5.23, Gemma3TextConfig. */
const gemma3Fields = fields.extend({
  vocab_size: size.default(262208),
  num_attention_heads: size.default(8),
  num_key_value_heads: size.default(4),
  head_dim: size.default(256),
  sliding_window: size.default(4096),
});
const GEMMA3_PATTERN = 6;

/** The decoder of Gemma 3: five sliding layers to a full one, queries and keys normed per head. Source: arXiv 2503.19786. */
export function gemma3Text(raw: unknown, options: { readonly path?: string; readonly merges?: boolean } = {}): SequenceModel {
  const config = readFields(gemma3Fields, raw, options.path);
  const layers = gemmaLayers(config, config.sliding_window_pattern ?? GEMMA3_PATTERN, "per-head");
  return decoderModel(config, decoderStack(config, layers, { tiedByDefault: true, merges: options.merges ?? false }));
}

function gemmaLayers(config: z.output<typeof fields>, pattern: number, qkNorm: "none" | "per-head" = "none"): readonly Layer[] {
  const { num_hidden_layers: layers, sliding_window: window } = config;
  const reachOf = (index: number): Reach => {
    if (config.layer_types) return listedReach(config.layer_types, index, { window, layers });
    return (index + 1) % pattern === 0 ? ALL : windowOf(window);
  };
  const feedForward = gatedFeedForward(config.intermediate_size);
  return layersOf(layers, (index) => [
    { block: attentionOf(config, { reach: reachOf(index), qkNorm }), norms: "both" },
    { block: feedForward, norms: "both" },
  ]);
}
