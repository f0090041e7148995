import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, layersOf } from "./decoder-fields.ts";
import { readFields, size, unknownSetting } from "./fields.ts";

const fields = decoderFields.extend({
  ffn_dim: size,
  max_position_embeddings: size,
  word_embed_proj_dim: size.nullish(),
  do_layer_norm_before: z.boolean().nullish(),
});

/** Positions that OPT's table has before those of tokens. Source: transformers 5.23 `modeling_opt.py`. */
const POSITION_OFFSET = 2;

/**
 * OPT: layer norms, biases everywhere, learned positions, plain feed-forwards, tied head. Source: arXiv 2205.01068; transformers 5.23
 * `modeling_opt.py`. Errors: `architecture-unknown` for the two sizes that norm behind blocks or project embeddings (350m).
 */
export function opt(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  if (config.do_layer_norm_before === false) throw unknownSetting("do_layer_norm_before", "false");
  if ((config.word_embed_proj_dim ?? config.hidden_size) !== config.hidden_size)
    throw unknownSetting("word_embed_proj_dim", String(config.word_embed_proj_dim));
  const attention = attentionOf({ ...config, attention_bias: config.attention_bias ?? true }, { rotary: false });
  const feedForward = { kind: "feed-forward", gated: false, inner: config.ffn_dim, bias: true } as const;
  const layers = layersOf(config.num_hidden_layers, () => [
    { block: attention, norms: "before" },
    { block: feedForward, norms: "before" },
  ]);
  const stack = decoderStack(config, layers, { tiedByDefault: true });
  const stem = { ...stack.stem, positions: config.max_position_embeddings + POSITION_OFFSET };
  return decoderModel(config, { ...stack, norm: "layer", stem } as typeof stack);
}
