import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import { encoderLayers } from "./encoder-layers.ts";
import { commonFields, divide, layerCount, readFields, size, typeOf, unknownSetting } from "./fields.ts";

const fields = z.object({
  ...commonFields,
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  intermediate_size: size,
  image_size: size,
  patch_size: size,
  num_channels: size,
  qkv_bias: z.boolean().nullish(),
  id2label: z.record(z.string(), z.unknown()).nullish(),
});

/** ViT: an encoder of patches with a class token; a head where the configuration names classes. Source: arXiv 2010.11929. */
export function vit(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  if (config.qkv_bias === false) throw unknownSetting("qkv_bias", "false");
  const side = divide(config.image_size, config.patch_size, "patch_size");
  const { hidden_size: width, num_attention_heads: heads, intermediate_size: inner, num_hidden_layers: layers } = config;
  const classes = Object.keys(config.id2label ?? {}).length;
  const patchElements = config.num_channels * config.patch_size * config.patch_size;
  return {
    kind: "sequence",
    family: config.model_type,
    stacks: [
      {
        role: "encoder",
        prefix: "",
        width,
        norm: "layer",
        stem: { kind: "patches", patches: side * side, patchElements, bias: true, classToken: true, norm: false },
        layers: encoderLayers({ width, heads, inner, layers, norms: "before", headsField: "num_attention_heads" }),
        finalNorm: true,
        outlet: classes > 0 ? { kind: "head", outputs: classes, tied: false, bias: true } : { kind: "none" },
      },
    ],
    mtp: [],
    contextLength: undefined,
    type: typeOf(config),
    activeConvention: "all",
    notes: classes > 0 ? [] : ["without a head: the configuration names no classes"],
  };
}
