import { rowsAndColumns } from "../decoder/formats.ts";
import type { DecoderModel } from "../decoder/model.ts";
import type { WeightSource } from "../decoder/weights.ts";
import type { OnnxModel } from "../onnx/builder.ts";
import { lowerSequenceDecoder, type SequenceDecoderOptions } from "./sequence-decoder.ts";

/** A decoder small enough to ask devices about: every kind of operator of the whole one, in its sizes but for layers and words. */
export interface ProbeDecoder {
  readonly model: OnnxModel;
  /** How often the whole model has an operator that the probe has once. */
  readonly times: (operator: string) => number;
}

/** Words of the vocabulary that the probe keeps: no operator asks how many there are. */
const WORDS_MAX = 256;

/** The first layer of a decoder with embedding and head. Complexity: reads one layer's weights. */
export function probeDecoder({ spec, weights }: DecoderModel, rotations: SequenceDecoderOptions["rotations"]): ProbeDecoder {
  const vocabulary = Math.min(WORDS_MAX, spec.vocabulary);
  const { model } = lowerSequenceDecoder({ ...spec, layers: 1, vocabulary }, fewWords(weights, vocabulary), { rotations, logits: "last" });
  return { model, times: (operator) => (operator.startsWith("layers.") ? spec.layers : 1) };
}

/** The first rows of embedding and head. */
function fewWords(weights: WeightSource, words: number): WeightSource {
  return {
    ...weights,
    read: (name) => {
      const tensor = weights.read(name);
      if (name !== "embedding" && name !== "head") return tensor;
      const { rows, columns } = rowsAndColumns(tensor.shape);
      return { ...tensor, shape: [words, columns], data: tensor.data.subarray(0, (tensor.data.byteLength / rows) * words) };
    },
  };
}
