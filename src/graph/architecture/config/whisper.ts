import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { CrossAttention } from "../attention.ts";
import type { Stack } from "../stack.ts";
import { layersOf } from "./decoder-fields.ts";
import { encoderLayers, plainAttention } from "./encoder-layers.ts";
import { commonFields, divide, layerCount, readFields, size, typeOf } from "./fields.ts";

const fields = z.object({
  ...commonFields,
  d_model: size,
  num_mel_bins: size,
  encoder_layers: layerCount,
  encoder_attention_heads: size,
  encoder_ffn_dim: size,
  decoder_layers: layerCount,
  decoder_attention_heads: size,
  decoder_ffn_dim: size,
  max_source_positions: size,
  max_target_positions: size,
  vocab_size: size,
});
type Fields = z.output<typeof fields>;

/** Whisper: an encoder of clips of fixed length, a decoder that attends to it. Source: arXiv 2212.04356; transformers 5.23 `modeling_whisper.py`. */
export function whisper(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  return {
    kind: "sequence",
    family: config.model_type,
    stacks: [encoderOf(config), decoderOf(config)],
    mtp: [],
    contextLength: config.max_target_positions,
    type: typeOf(config),
    activeConvention: "all",
    notes: ["the encoder's sinusoidal positions are counted as stored"],
  };
}

function encoderOf(config: Fields): Stack {
  const { d_model: width, encoder_attention_heads: heads, encoder_ffn_dim: inner, encoder_layers: layers } = config;
  return {
    role: "encoder",
    prefix: "encoder.",
    width,
    norm: "layer",
    stem: { kind: "audio", mels: config.num_mel_bins, positions: config.max_source_positions },
    layers: encoderLayers({ width, heads, inner, layers, norms: "before", keyBias: false, headsField: "encoder_attention_heads" }),
    finalNorm: true,
    outlet: { kind: "none" },
  };
}

function decoderOf(config: Fields): Stack {
  const { d_model: width, decoder_attention_heads: heads, vocab_size: vocabulary } = config;
  const headsField = "decoder_attention_heads";
  const bias = { q: true, k: false, v: true, o: true };
  const headDim = divide(width, heads, headsField);
  const cross: CrossAttention = {
    kind: "cross-attention",
    heads,
    kvHeads: heads,
    headDim,
    bias,
    qkNorm: "none",
    sourceLength: config.max_source_positions,
    sourceWidth: width,
  };
  const own = plainAttention({ width, heads, keyBias: false, headsField });
  const feedForward = { kind: "feed-forward", gated: false, inner: config.decoder_ffn_dim, bias: true } as const;
  return {
    role: "decoder",
    prefix: "decoder.",
    width,
    norm: "layer",
    stem: { kind: "tokens", vocabulary, positions: config.max_target_positions, segments: 0, norm: false, merges: false },
    layers: layersOf(config.decoder_layers, () => [
      { block: own, norms: "before" },
      { block: cross, norms: "before" },
      { block: feedForward, norms: "before" },
    ]),
    finalNorm: true,
    outlet: { kind: "head", outputs: vocabulary, tied: true, bias: false },
  };
}
