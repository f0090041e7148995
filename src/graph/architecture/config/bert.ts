import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import { encoderLayers } from "./encoder-layers.ts";
import { commonFields, layerCount, readFields, size, typeOf, unknownSetting } from "./fields.ts";

const fields = z.object({
  ...commonFields,
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  intermediate_size: size,
  max_position_embeddings: size,
  type_vocab_size: size,
  is_decoder: z.boolean().nullish(),
});

/** BERT: an encoder of tokens with a pooler, without the heads of its training tasks. Source: arXiv 1810.04805; transformers 5.23 `BertModel`. */
export function bert(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  if (config.is_decoder === true) throw unknownSetting("is_decoder", "true");
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner, num_hidden_layers: layers } = config;
  return {
    kind: "sequence",
    family: config.model_type,
    stacks: [
      {
        role: "encoder",
        prefix: "",
        width,
        norm: "layer",
        stem: {
          kind: "tokens",
          vocabulary: config.vocab_size,
          positions: config.max_position_embeddings,
          segments: config.type_vocab_size,
          norm: true,
          merges: false,
        },
        layers: encoderLayers({ width, heads, inner, layers, norms: "after", headsField: "num_attention_heads" }),
        finalNorm: false,
        outlet: { kind: "pooler", outputs: width },
      },
    ],
    mtp: [],
    contextLength: config.max_position_embeddings,
    type: typeOf(config),
    activeConvention: "all",
    notes: ["with the pooler, without a head of a task"],
  };
}
