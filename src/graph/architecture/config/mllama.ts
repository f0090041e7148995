import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention, CrossAttention } from "../attention.ts";
import type { Layer, PlacedBlock, Stack } from "../stack.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { plainAttention } from "./encoder-layers.ts";
import { commonFields, divide, invalidField, layerCount, quantisationNotes, readFields, size, typeOf } from "./fields.ts";

const textFields = decoderFields.extend({
  intermediate_size: size,
  cross_attention_layers: z.array(z.int().min(0)).min(1).max(1000),
});

/** Files leave out what equals the defaults. Source: transformers 5.23, MllamaVisionConfig. */
const visionFields = z.object({
  hidden_size: size.default(1280),
  intermediate_size: size.default(5120),
  num_hidden_layers: layerCount.default(32),
  num_global_layers: layerCount.default(8),
  attention_heads: size.default(16),
  num_channels: size.default(3),
  image_size: size,
  patch_size: size.default(14),
  max_num_tiles: size.max(64),
  vision_output_dim: size,
  intermediate_layers_indices: z.array(z.int().min(0)).max(64).default([3, 7, 15, 23, 30]),
  supported_aspect_ratios: z.array(z.array(size).length(2)).min(1).max(1000).nullish(),
});

const fields = z.object({ ...commonFields, text_config: z.record(z.string(), z.unknown()), vision_config: visionFields });

/** Rows of the table of input embeddings beyond the vocabulary. Source: transformers 5.23, MllamaTextModel. */
const EMBEDDINGS_BESIDE = 8;
/** Positions of a tile are filled up to a multiple of it. */
const POSITION_STEP = 8;

/**
 * Llama 3.2 Vision: an encoder over all tiles of an image, whose output some layers of the decoder attend to in place of the tokens.
 *
 * Source: arXiv 2407.21783, 7; transformers 5.23, `modeling_mllama.py`. Its preprocessor fills up to `max_num_tiles`, so every image is as long.
 */
export function mllama(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const text = readFields(textFields, { model_type: "mllama_text_model", ...config.text_config }, "text_config");
  const { vision_config: vision } = config;
  const side = divide(vision.image_size, vision.patch_size, "vision_config.patch_size");
  const patches = side * side;
  const padding = (POSITION_STEP - ((patches + 1) % POSITION_STEP)) % POSITION_STEP;
  const source = vision.max_num_tiles * (patches + 1);
  const given = vision.max_num_tiles * (patches + 1 + padding);
  const model = decoderModel(text, decoderOf(text, source));
  const note = `an image is ${vision.max_num_tiles} tiles of ${vision.image_size} x ${vision.image_size} pixels, filled or not: ${source} positions that ${text.cross_attention_layers.length} layers attend to`;
  return {
    ...model,
    family: config.model_type,
    type: typeOf(config) ?? model.type,
    notes: [...quantisationNotes(config), ...model.notes, note],
    images: { kind: "fixed", patches: given, tokens: source },
    stacks: [towerOf(vision, { patches, padding, source, textWidth: text.hidden_size }), ...model.stacks],
  };
}

function decoderOf(config: z.output<typeof textFields>, sourceLength: number): Stack {
  const { num_hidden_layers: layers, cross_attention_layers: crossing, hidden_size: width } = config;
  const cross = new Set(crossing);
  for (const layer of cross) if (layer >= layers) throw invalidField("text_config.cross_attention_layers", `${layer} of ${layers} layers`);
  const own = attentionOf(config);
  const { heads, kvHeads, headDim, bias } = own;
  const other: CrossAttention = {
    kind: "cross-attention",
    ...{ heads, kvHeads, headDim, bias, qkNorm: "per-head", sourceLength, sourceWidth: width },
  };
  const feedForward = gatedFeedForward(config.intermediate_size);
  const blocks = (index: number): readonly PlacedBlock[] =>
    cross.has(index)
      ? [
          { block: other, norms: "before", scale: "number" },
          { block: feedForward, norms: "before", scale: "number" },
        ]
      : [
          { block: own, norms: "before" },
          { block: feedForward, norms: "before" },
        ];
  const stack = decoderStack(config, layersOf(layers, blocks));
  return { ...stack, stem: { ...stack.stem, vocabulary: config.vocab_size + EMBEDDINGS_BESIDE } as Stack["stem"] };
}

interface TowerSizes {
  readonly patches: number;
  readonly padding: number;
  readonly source: number;
  readonly textWidth: number;
}

/** The last layers are gated; the norm before them stands behind all here, and the streams that are put beside the last are joined in the outlet. */
function towerOf(vision: z.output<typeof visionFields>, { patches, padding, source, textWidth }: TowerSizes): Stack {
  const { hidden_size: width, attention_heads: heads, intermediate_size: inner, num_hidden_layers: local } = vision;
  const joined = (1 + vision.intermediate_layers_indices.length) * width;
  if (vision.vision_output_dim !== joined)
    throw invalidField(
      "vision_config.vision_output_dim",
      `${vision.vision_output_dim}, and the streams that are joined are ${joined} wide`,
    );
  for (const layer of vision.intermediate_layers_indices)
    if (layer >= local) throw invalidField("vision_config.intermediate_layers_indices", `${layer} of ${local} layers`);
  const none = { q: false, k: false, v: false, o: false };
  const block: Attention = { ...plainAttention({ width, heads, headsField: "vision_config.attention_heads" }), bias: none };
  const feedForward = { kind: "feed-forward", gated: false, inner, bias: true } as const;
  const layer = (scale: Pick<PlacedBlock, "scale">): Layer["blocks"] => [
    { block, norms: "before", ...scale },
    { block: feedForward, norms: "before", ...scale },
  ];
  return {
    role: "encoder",
    prefix: "vision.",
    width,
    norm: "layer",
    stem: {
      kind: "tiles",
      tiles: vision.max_num_tiles,
      patches,
      patchElements: vision.num_channels * vision.patch_size * vision.patch_size,
      padding,
      shapes: vision.supported_aspect_ratios?.length ?? shapesOf(vision.max_num_tiles),
    },
    layers: layersOf(local + vision.num_global_layers, (index) => layer(index < local ? {} : { scale: "number" })),
    finalNorm: true,
    outlet: { kind: "projector", positions: source, width: joined, norm: "none", products: [textWidth], bias: true },
  };
}

/** Rows by columns of at most so many tiles. */
function shapesOf(tiles: number): number {
  let shapes = 0;
  for (let rows = 1; rows <= tiles; rows++) shapes += Math.floor(tiles / rows);
  return shapes;
}
