import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention } from "../attention.ts";
import type { DenseFeedForward } from "../feed-forward.ts";
import type { Head } from "../outlet.ts";
import type { Layer, Stack } from "../stack.ts";
import { commonFields, divide, flag, layerCount, optionalSize, quantisationNotes, size, typeOf } from "./fields.ts";

/** Fields that decoders of the Llama line share. Names and meaning: Hugging Face transformers, `configuration_<family>.py`. */
export const decoderFields = z.object({
  ...commonFields,
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: optionalSize,
  head_dim: optionalSize,
  vocab_size: size,
  max_position_embeddings: optionalSize,
  tie_word_embeddings: flag,
  attention_bias: flag,
});

export type DecoderFields = z.output<typeof decoderFields>;

/** Attention as the fields describe it: no norms, rotated, without bias unless `attention_bias` says so for all four products. */
export function attentionOf(config: DecoderFields, changes: Partial<Attention> = {}): Attention {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  divide(heads, kvHeads, "num_key_value_heads");
  const all = config.attention_bias === true;
  return {
    kind: "attention",
    heads,
    kvHeads,
    headDim: config.head_dim ?? divide(config.hidden_size, heads, "num_attention_heads"),
    bias: { q: all, k: all, v: all, o: all },
    qkNorm: "none",
    reach: { kind: "all" },
    rotary: true,
    sinks: false,
    ...changes,
  };
}

export function gatedFeedForward(inner: number, bias = false): DenseFeedForward {
  return { kind: "feed-forward", gated: true, inner, bias };
}

/** Layers of attention and feed-forward, each normed before; `make` sees the layer's index. */
export function layersOf(count: number, make: (index: number) => Layer["blocks"]): readonly Layer[] {
  return Array.from({ length: count }, (_unused, index) => ({ blocks: make(index) }));
}

/** A decoder of token embeddings, layers, a norm and a head. */
export function decoderStack(
  config: DecoderFields,
  layers: readonly Layer[],
  options: { readonly merges?: boolean; readonly tiedByDefault?: boolean } = {},
): Stack {
  const tied = config.tie_word_embeddings ?? options.tiedByDefault ?? false;
  const head: Head = { kind: "head", outputs: config.vocab_size, tied, bias: false };
  const stem = {
    kind: "tokens",
    vocabulary: config.vocab_size,
    positions: 0,
    segments: 0,
    norm: false,
    merges: options.merges ?? false,
  } as const;
  return { role: "decoder", prefix: "", width: config.hidden_size, norm: "rms", stem, layers, finalNorm: true, outlet: head };
}

/** What a model of one decoder is besides its stack. */
/** Where quantisers write how many weights share a scale: GPTQ and AWQ, and compressed-tensors by groups of layers. */
const grouped = z.looseObject({
  group_size: z.int().min(1).max(65_536).optional().catch(undefined),
  bits: z.int().optional().catch(undefined),
});
const packed = z.looseObject({
  config_groups: z
    .record(z.string(), z.looseObject({ weights: z.unknown() }))
    .optional()
    .catch(undefined),
});
const FOUR_BITS = 4;

/** Weights that share a scale in a checkpoint of 4-bit whole numbers; undefined where it is none, or says nothing. */
function weightGroupOf({ quantization_config: given }: DecoderFields): number | undefined {
  const layers = Object.values(packed.safeParse(given).data?.config_groups ?? {}).map(({ weights }) => weights);
  for (const one of [given, ...layers]) {
    const { group_size: size, bits, num_bits = bits, type = "int" } = grouped.safeParse(one).data ?? {};
    if (size !== undefined && num_bits === FOUR_BITS && type === "int") return size;
  }
  return undefined;
}

export function decoderModel(config: DecoderFields, stack: Stack, changes: Partial<SequenceModel> = {}): SequenceModel {
  const weightGroup = weightGroupOf(config);
  return {
    kind: "sequence",
    family: config.model_type,
    stacks: [stack],
    mtp: [],
    contextLength: config.max_position_embeddings ?? undefined,
    type: typeOf(config),
    ...(weightGroup === undefined ? {} : { weightGroup }),
    activeConvention: "all",
    ...changes,
    notes: [...quantisationNotes(config), ...(changes.notes ?? [])],
  };
}
