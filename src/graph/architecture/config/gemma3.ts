import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { ImageRule } from "../image-rule.ts";
import type { Stack } from "../stack.ts";
import { encoderLayers } from "./encoder-layers.ts";
import { commonFields, divide, quantisationNotes, readFields, size, typeOf } from "./fields.ts";
import { gemma3Text } from "./gemma.ts";
import { visionFields } from "./vision-fields.ts";

const fields = z.object({
  ...commonFields,
  text_config: z.record(z.string(), z.unknown()),
  vision_config: visionFields,
  mm_tokens_per_image: size.default(256),
});

/** Gemma 3 with its eyes: a SigLIP encoder, patches pooled to 256, one product to the decoder's width. Source: arXiv 2503.19786, 2.1. */
export function gemma3(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const text = gemma3Text({ model_type: "gemma3_text", ...config.text_config }, { path: "text_config", merges: true });
  const decoder = text.stacks[0]!;
  const type = typeOf(config) ?? text.type;
  const notes = [...quantisationNotes(config), ...text.notes];
  return { ...text, family: config.model_type, type, notes, images: imagesOf(config), stacks: [towerOf(config, decoder.width), decoder] };
}

/** Every image is one square; pans and scans, which cut others besides, are off unless asked for. */
function imagesOf({
  vision_config: { image_size: side, patch_size: patch },
  mm_tokens_per_image: tokens,
}: z.output<typeof fields>): ImageRule {
  const patches = divide(side, patch, "vision_config.patch_size");
  return { kind: "fixed", patches: patches * patches, tokens };
}

function towerOf(config: z.output<typeof fields>, textWidth: number): Stack {
  const { vision_config: vision, mm_tokens_per_image: positions } = config;
  const side = divide(vision.image_size, vision.patch_size, "vision_config.patch_size");
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner, num_hidden_layers: layers } = vision;
  return {
    role: "encoder",
    prefix: "vision.",
    width,
    norm: "layer",
    stem: {
      kind: "patches",
      patches: side * side,
      patchElements: vision.num_channels * vision.patch_size * vision.patch_size,
      bias: true,
      classToken: false,
      norm: false,
    },
    layers: encoderLayers({ width, heads, inner, layers, norms: "before", headsField: "vision_config.num_attention_heads" }),
    finalNorm: true,
    outlet: { kind: "projector", positions, width, norm: "rms", products: [textWidth], bias: false },
  };
}
