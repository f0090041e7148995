import { z } from "zod";
import type { SequenceModel } from "../architecture.ts";
import type { Mamba2 } from "../mamba2.ts";
import type { Stack } from "../stack.ts";
import { layersOf } from "./decoder-fields.ts";
import { commonFields, divide, flag, invalidField, layerCount, quantisationNotes, readFields, size, typeOf } from "./fields.ts";

const fields = z.object({
  ...commonFields,
  hidden_size: size,
  num_hidden_layers: layerCount,
  vocab_size: size,
  num_heads: size,
  head_dim: size,
  state_size: size,
  n_groups: size,
  conv_kernel: size,
  expand: size,
  use_bias: flag,
  use_conv_bias: flag,
  tie_word_embeddings: flag,
});

/** Layers of Mamba-2 mixers and nothing else; nothing grows with the sequence. */
export function mamba2(raw: unknown): SequenceModel {
  const config = readFields(fields, raw);
  const { num_heads: heads, head_dim: headDim, n_groups: groups, hidden_size: width } = config;
  if (heads * headDim !== width * config.expand)
    throw invalidField("num_heads", `${heads} heads of ${headDim} for ${width * config.expand} elements`);
  divide(heads, groups, "n_groups");
  const block: Mamba2 = {
    kind: "mamba2",
    heads,
    headDim,
    groups,
    stateSize: config.state_size,
    kernel: config.conv_kernel,
    convolutionBias: config.use_conv_bias ?? true,
    bias: config.use_bias ?? false,
  };
  const stack: Stack = {
    role: "decoder",
    prefix: "",
    width,
    norm: "rms",
    stem: { kind: "tokens", vocabulary: config.vocab_size, positions: 0, segments: 0, norm: false, merges: false },
    layers: layersOf(config.num_hidden_layers, () => [{ block, norms: "before" }]),
    finalNorm: true,
    outlet: { kind: "head", outputs: config.vocab_size, tied: config.tie_word_embeddings ?? false, bias: false },
  };
  const notes = quantisationNotes(config);
  return {
    kind: "sequence",
    family: config.model_type,
    stacks: [stack],
    mtp: [],
    contextLength: undefined,
    type: typeOf(config),
    activeConvention: "all",
    notes,
  };
}
