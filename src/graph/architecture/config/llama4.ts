import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Reach } from "../attention.ts";
import type { TileRule } from "../image-rule.ts";
import type { Stack } from "../stack.ts";
import { attentionOf, decoderFields, decoderModel, decoderStack, gatedFeedForward, layersOf } from "./decoder-fields.ts";
import { encoderLayers } from "./encoder-layers.ts";
import { commonFields, divide, invalidField, optionalSize, quantisationNotes, readFields, size, typeOf } from "./fields.ts";
import { mixture } from "./mixture-decoders.ts";
import { visionFields } from "./vision-fields.ts";

const textFields = decoderFields.extend({
  intermediate_size: size,
  intermediate_size_mlp: size,
  num_local_experts: size,
  num_experts_per_tok: size,
  interleave_moe_layer_step: size,
  moe_layers: z.array(z.int().min(0)).nullish(),
  no_rope_layers: z.array(z.int()).nullish(),
  attention_chunk_size: optionalSize,
});
/** Every fourth layer sees all tokens and is not rotated. Source: transformers 5.23, Llama4TextConfig `no_rope_layer_interval`. */
const FULL_EVERY = 4;

/** The decoder of Llama 4: chunked attention, one routed and one shared expert a token. Source: transformers 5.23 `modeling_llama4.py`. */
export function llama4Text(raw: unknown, options: { readonly path?: string; readonly merges?: boolean } = {}): SequenceModel {
  const config = readFields(textFields, raw, options.path);
  const { num_hidden_layers: layers, attention_chunk_size: chunk, no_rope_layers: listed } = config;
  if (listed && listed.length > 0 && listed.length < layers)
    throw invalidField("no_rope_layers", `${listed.length} entries for ${layers} layers`);
  const shared = { inner: config.intermediate_size, gate: false };
  const experts = { ...mixture(config.num_local_experts, config.num_experts_per_tok, config.intermediate_size), shared };
  const dense = gatedFeedForward(config.intermediate_size_mlp);
  const chosen = config.moe_layers ? new Set(config.moe_layers) : undefined;
  const stack = decoderStack(
    config,
    layersOf(layers, (index) => {
      const rotary = listed && listed.length > 0 ? listed[index] === 1 : (index + 1) % FULL_EVERY !== 0;
      const reach: Reach = rotary && chunk ? { kind: "chunk", tokens: chunk } : { kind: "all" };
      const mixed = chosen === undefined ? (index + 1) % config.interleave_moe_layer_step === 0 : chosen.has(index);
      return [
        { block: attentionOf(config, { reach, rotary }), norms: "before" },
        { block: mixed ? experts : dense, norms: "before" },
      ];
    }),
    { merges: options.merges ?? false },
  );
  return decoderModel(config, stack);
}

const llamaVisionFields = visionFields.extend({
  pixel_shuffle_ratio: z.literal(0.5).default(0.5),
  projector_input_dim: size,
  projector_output_dim: size,
});
const fields = z.object({ ...commonFields, text_config: z.record(z.string(), z.unknown()), vision_config: llamaVisionFields });
/** Tiles of an image at most. Source: `max_patches` of transformers 5.23, Llama4ImageProcessorFast. */
const TILES_MAX = 16;
/** A ratio of a half joins two by two positions. */
const SHUFFLED = 4;

/** Llama 4 with its eyes: a tower with a class token, pixels shuffled together, three products without bias. */
export function llama4(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const text = llama4Text({ model_type: "llama4_text", ...config.text_config }, { path: "text_config", merges: true });
  const decoder = text.stacks[0]!;
  const notes = [...quantisationNotes(config), ...text.notes];
  const { image_size: pixels, patch_size: patch } = config.vision_config;
  const across = divide(pixels, patch, "vision_config.patch_size");
  const images: TileRule = {
    kind: "tiles",
    side: pixels,
    patches: across * across + 1,
    tokens: divide(across * across, SHUFFLED, "vision_config.image_size"),
    tilesMin: 1,
    tilesMax: TILES_MAX,
    thumbnail: true,
    fit: "canvas",
  };
  const note = `an image is 1 to ${TILES_MAX} tiles of ${pixels} x ${pixels} pixels and one of the whole; the encoder's parts are counted a tile`;
  return {
    ...text,
    family: config.model_type,
    type: typeOf(config) ?? text.type,
    notes: [...notes, note],
    images,
    stacks: [towerOf(config.vision_config, decoder.width), decoder],
  };
}

function towerOf(vision: z.output<typeof llamaVisionFields>, textWidth: number): Stack {
  const side = divide(vision.image_size, vision.patch_size, "vision_config.patch_size");
  const patches = side * side;
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner, num_hidden_layers: layers } = vision;
  const patchElements = vision.num_channels * vision.patch_size * vision.patch_size;
  return {
    role: "encoder",
    prefix: "vision.",
    width,
    norm: "layer",
    stem: { kind: "patches", patches, patchElements, bias: false, classToken: true, norm: true },
    layers: encoderLayers({ width, heads, inner, layers, norms: "before", headsField: "vision_config.num_attention_heads", rotary: true }),
    finalNorm: true,
    outlet: {
      kind: "projector",
      positions: divide(patches, SHUFFLED, "vision_config.image_size"),
      width: width * SHUFFLED,
      norm: "none",
      products: [vision.projector_input_dim, vision.projector_output_dim, textWidth],
      bias: false,
    },
  };
}
