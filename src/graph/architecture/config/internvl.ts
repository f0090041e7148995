import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention } from "../attention.ts";
import type { TileRule } from "../image-rule.ts";
import type { Stack } from "../stack.ts";
import { layersOf } from "./decoder-fields.ts";
import { denseDecoder } from "./dense-decoders.ts";
import { plainAttention } from "./encoder-layers.ts";
import { commonFields, divide, flag, layerCount, quantisationNotes, readFields, size, typeOf, unknownSetting } from "./fields.ts";
import { gptOss } from "./gpt-oss.ts";
import { qwenMoe } from "./mixture-decoders.ts";

/** Far above what is published (12), and few enough to try all shapes of. */
const TILES_LIMIT = 256;

/** A side, or both sides as files of transformers write them. */
const side = size.or(z.tuple([size, size]).transform(([rows]) => rows));

/** Names differ between files of OpenGVLab (`internvl_chat`) and of transformers (`internvl`). */
const visionFields = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_channels: size.default(3),
  image_size: side,
  patch_size: side,
  qkv_bias: flag,
  attention_bias: flag,
  qk_normalization: flag,
  use_qk_norm: flag,
  norm_type: z.enum(["layer_norm", "rms_norm"]).default("rms_norm"),
});

const text = z.looseObject({ model_type: z.string() });
const fields = z.object({
  ...commonFields,
  vision_config: visionFields,
  llm_config: text.nullish(),
  text_config: text.nullish(),
  downsample_ratio: z.literal(0.5).default(0.5),
  force_image_size: size.nullish(),
  select_layer: z.int().nullish(),
  vision_feature_layer: z.int().nullish(),
  dynamic_image_size: flag,
  min_dynamic_patch: size.max(TILES_LIMIT).default(1),
  max_dynamic_patch: size.max(TILES_LIMIT).default(12),
  use_thumbnail: flag,
});

/** Two by two patches make a token. */
const MERGED = 4;

/**
 * InternVL: InternViT over each tile of an image, patches shuffled together four by four, two products to the decoder's width.
 *
 * Source: arXiv 2404.16821, 3; modeling_intern_vit.py and modeling_internvl_chat.py of OpenGVLab/InternVL3-8B. Files of transformers leave the numbers of tiles
 * to the preprocessor, whose defaults (1 to 12, a thumbnail) are those of the others.
 */
export function internVl(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const { vision_config: vision } = config;
  const layer = config.select_layer ?? config.vision_feature_layer ?? -1;
  if (layer !== -1) throw unknownSetting(config.select_layer === -1 ? "vision_feature_layer" : "select_layer", String(layer));
  const pixels = config.force_image_size ?? vision.image_size;
  const across = divide(pixels, vision.patch_size, "vision_config.patch_size");
  const patches = across * across;
  const decoder = textOf(config);
  const stack = decoder.stacks[0]!;
  const images: TileRule = {
    kind: "tiles",
    side: pixels,
    patches: patches + 1,
    tokens: divide(patches, MERGED, "vision_config.image_size"),
    tilesMin: config.dynamic_image_size === false ? 1 : config.min_dynamic_patch,
    tilesMax: config.dynamic_image_size === false ? 1 : config.max_dynamic_patch,
    thumbnail: config.use_thumbnail !== false,
    fit: "ratio",
  };
  if (images.tilesMin > images.tilesMax) throw unknownSetting("min_dynamic_patch", `${images.tilesMin} above max_dynamic_patch`);
  const note = `an image is 1 to ${images.tilesMax} tiles of ${pixels} x ${pixels} pixels and one of the whole; the encoder's parts are counted a tile`;
  return {
    ...decoder,
    family: config.model_type,
    type: typeOf(config) ?? decoder.type,
    notes: [...quantisationNotes(config), ...decoder.notes, note],
    images,
    stacks: [towerOf(vision, { patches, tokens: images.tokens, textWidth: stack.width }), { ...stack, stem: merging(stack) }],
  };
}

function merging({ stem }: Stack): Stack["stem"] {
  return { ...stem, merges: true } as Stack["stem"];
}

/** Decoders that are published with it. InternLM2 is a Llama with its products of attention stored together. */
function textOf({ llm_config: own, text_config: other }: z.output<typeof fields>): SequenceModel {
  const config = own ?? other;
  const at = own ? "llm_config" : "text_config";
  switch (config?.model_type) {
    case "qwen2":
    case "qwen3":
    case "llama":
      return denseDecoder(config);
    case "internlm2":
      return denseDecoder({ ...config, model_type: "llama", attention_bias: config["bias"] ?? false });
    case "qwen3_moe":
      return qwenMoe(config);
    case "gpt_oss":
      return gptOss(config);
    default:
      throw unknownSetting(`${at}.model_type`, String(config?.model_type));
  }
}

interface TowerSizes {
  readonly patches: number;
  readonly tokens: number;
  readonly textWidth: number;
}

function towerOf(vision: z.output<typeof visionFields>, { patches, tokens, textWidth }: TowerSizes): Stack {
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner } = vision;
  const offsets = vision.qkv_bias ?? vision.attention_bias ?? false;
  const normed = vision.qk_normalization ?? vision.use_qk_norm ?? false;
  const block: Attention = {
    ...plainAttention({ width, heads, headsField: "vision_config.num_attention_heads" }),
    bias: { q: offsets, k: offsets, v: offsets, o: true },
    qkNorm: normed ? "whole" : "none",
  };
  const feedForward = { kind: "feed-forward", gated: false, inner, bias: true } as const;
  return {
    role: "encoder",
    prefix: "vision.",
    width,
    norm: vision.norm_type === "rms_norm" ? "rms" : "layer",
    stem: {
      kind: "patches",
      patches,
      patchElements: vision.num_channels * vision.patch_size * vision.patch_size,
      bias: true,
      classToken: true,
      norm: false,
    },
    layers: layersOf(vision.num_hidden_layers, () => [
      { block, norms: "before", scale: "channels" },
      { block: feedForward, norms: "before", scale: "channels" },
    ]),
    finalNorm: false,
    outlet: { kind: "projector", positions: tokens, width: width * MERGED, norm: "layer", products: [textWidth, textWidth], bias: true },
  };
}
