import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Attention } from "../attention.ts";
import { type ImageRule, imageWork } from "../image-rule.ts";
import type { Projector } from "../outlet.ts";
import type { Stack } from "../stack.ts";
import { layersOf } from "./decoder-fields.ts";
import { denseDecoder } from "./dense-decoders.ts";
import { plainAttention } from "./encoder-layers.ts";
import { commonFields, divide, invalidField, layerCount, quantisationNotes, readFields, size, typeOf } from "./fields.ts";
import { qwenMoe } from "./mixture-decoders.ts";

const visionFields = z.object({
  depth: layerCount,
  hidden_size: size,
  intermediate_size: size,
  num_heads: size,
  in_channels: size.default(3),
  patch_size: size,
  temporal_patch_size: size.default(2),
  spatial_merge_size: size.default(2),
  out_hidden_size: size,
});
const qwen25Vision = visionFields.extend({ window_size: size, fullatt_block_indexes: z.array(z.int().min(0)).max(1000) });
const qwen3Vision = visionFields.extend({ num_position_embeddings: size, deepstack_visual_indexes: z.array(z.int().min(0)).max(1000) });

/** Files of transformers before 4.52 have the decoder's fields beside the encoder's, later ones in a part of their own. */
const outer = z.looseObject({
  ...commonFields,
  tie_word_embeddings: z.boolean().nullish(),
  text_config: z.record(z.string(), z.unknown()).nullish(),
});

/** Side of the square image that the encoder's parts are counted at. Units: pixels. */
const COUNTED_SIDE = 1024;
/** Area within which images are kept. Source: `preprocessor_config.json` of Qwen2.5-VL, and of Qwen3-VL. Units: pixels. */
const QWEN25_PIXELS = { pixelsMin: 3_136, pixelsMax: 12_845_056 };
const QWEN3_PIXELS = { pixelsMin: 65_536, pixelsMax: 16_777_216 };

/** Qwen2.5-VL: patches of 14 pixels at the image's own size, attention within squares in all but a few layers, four patches a token. Source: arXiv 2502.13923, 2.1. */
export function qwen25Vl(raw: unknown): SequenceModel {
  const config = readFields(outer, raw);
  const { vision_config: vision } = readFields(z.object({ vision_config: qwen25Vision }), raw);
  const text = textOf(config, raw, "qwen2");
  const squareSide = divide(vision.window_size, vision.patch_size, "vision_config.patch_size");
  const images: ImageRule = { ...ruleOf(vision), ...QWEN25_PIXELS, squareSide };
  const full = new Set(vision.fullatt_block_indexes);
  const within = { kind: "chunk", tokens: squareSide * squareSide } as const;
  const attention = attentionOf(vision);
  const feedForward = { kind: "feed-forward", gated: true, inner: vision.intermediate_size, bias: true } as const;
  const tower: Stack = {
    ...towerOf(vision, images),
    norm: "rms",
    stem: stemOf(vision, images, { positions: 0, bias: false }),
    layers: layersOf(vision.depth, (index) => [
      { block: full.has(index) ? attention : { ...attention, reach: within }, norms: "before" },
      { block: feedForward, norms: "before" },
    ]),
  };
  return modelOf(config, text, { tower, images });
}

/** Qwen3-VL: learned and rotated positions, plain feed-forwards, and the streams of three layers handed on beside the last. Source: arXiv 2511.21631, 2. */
export function qwen3Vl(raw: unknown): SequenceModel {
  const config = readFields(outer, raw);
  const { vision_config: vision } = readFields(z.object({ vision_config: qwen3Vision }), raw);
  const text = textOf(config, raw, config.model_type.endsWith("_moe") ? "qwen3_moe" : "qwen3");
  const images: ImageRule = { ...ruleOf(vision), ...QWEN3_PIXELS, squareSide: 0 };
  const attention = attentionOf(vision);
  const feedForward = { kind: "feed-forward", gated: false, inner: vision.intermediate_size, bias: true } as const;
  const base = towerOf(vision, images);
  for (const layer of vision.deepstack_visual_indexes)
    if (layer >= vision.depth) throw invalidField("vision_config.deepstack_visual_indexes", `${layer} of ${vision.depth} layers`);
  const tower: Stack = {
    ...base,
    norm: "layer",
    stem: stemOf(vision, images, { positions: vision.num_position_embeddings, bias: true }),
    layers: layersOf(vision.depth, () => [
      { block: attention, norms: "before" },
      { block: feedForward, norms: "before" },
    ]),
    taps: vision.deepstack_visual_indexes.map((layer) => ({ layer, projector: { ...base.outlet, norm: "layer" as const } })),
  };
  return modelOf(config, text, { tower, images });
}

type Vision = z.output<typeof visionFields>;
type Outer = z.output<typeof outer>;

function textOf(config: Outer, raw: unknown, family: "qwen2" | "qwen3" | "qwen3_moe"): SequenceModel {
  const fields = config.text_config ?? (raw as Readonly<Record<string, unknown>>);
  const tied = fields["tie_word_embeddings"] ?? config.tie_word_embeddings ?? false;
  const text = { ...fields, model_type: family, tie_word_embeddings: tied };
  return family === "qwen3_moe" ? qwenMoe(text) : denseDecoder(text);
}

function ruleOf({ patch_size: patchSide, spatial_merge_size: merge }: Vision) {
  return { kind: "native", patchSide, merge } as const;
}

function attentionOf({ hidden_size: width, num_heads: heads }: Vision): Attention {
  return plainAttention({ width, heads, headsField: "vision_config.num_heads", rotary: true });
}

function stemOf(vision: Vision, images: ImageRule, { positions, bias }: { readonly positions: number; readonly bias: boolean }) {
  const patchElements = vision.in_channels * vision.temporal_patch_size * vision.patch_size * vision.patch_size;
  const { patches } = imageWork(images, COUNTED_SIDE, COUNTED_SIDE);
  return { kind: "patches", patches, patchElements, bias, classToken: false, norm: false, positions } as const;
}

/** What both encoders have in common: a norm behind the last layer, four patches side by side, two products. */
function towerOf(vision: Vision, images: ImageRule) {
  const width = vision.hidden_size * vision.spatial_merge_size * vision.spatial_merge_size;
  const outlet: Projector = {
    kind: "projector",
    positions: imageWork(images, COUNTED_SIDE, COUNTED_SIDE).tokens,
    width,
    norm: "none",
    products: [width, vision.out_hidden_size],
    bias: true,
  };
  return { role: "encoder", prefix: "vision.", width: vision.hidden_size, finalNorm: true, outlet } as const;
}

function modelOf(
  config: Outer,
  text: SequenceModel,
  { tower, images }: { readonly tower: Stack; readonly images: ImageRule },
): SequenceModel {
  const decoder = text.stacks[0]!;
  const stem = { ...decoder.stem, merges: true } as Stack["stem"];
  const note = `images are read at their own size; the encoder's parts are counted at ${COUNTED_SIDE} x ${COUNTED_SIDE} pixels`;
  return {
    ...text,
    family: config.model_type,
    type: typeOf(config) ?? text.type,
    notes: [...quantisationNotes(config), ...text.notes, note],
    images,
    stacks: [tower, { ...decoder, stem }],
  };
}
