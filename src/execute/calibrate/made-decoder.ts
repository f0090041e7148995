import type { DecoderModel } from "../../graph/decoder/model.ts";
import { ropeSpec } from "../../graph/decoder/rope.ts";
import { type DecoderShape, expectedTensors } from "../../graph/decoder/tensor-shapes.ts";
import type { WeightTensor } from "../../graph/decoder/weights.ts";
import type { ShapeSource } from "./calibration-shapes.ts";
import { madeWeights } from "./operator-models.ts";

const CONTEXT = 8192;
const THETA = 100_000;

/** A decoder of a model's shapes whose weights mean nothing, in blocks of 4 bits as the default model's file holds them: what is timed without a file. */
export function madeDecoder(source: ShapeSource, layers: number): DecoderModel {
  const flags = { qkvBias: false, qkNorm: false, tiedHead: true };
  const shape: DecoderShape = { ...source, ...flags, family: "llama", name: "made", layers, contextLength: CONTEXT, normEpsilon: 1e-5 };
  const tensors = new Map([...expectedTensors(shape)].map(([name, dims]) => [name, { format: formatOf(dims), shape: dims }] as const));
  return {
    spec: { ...shape, rope: ropeSpec({ headDim: source.headDim, theta: THETA, interleaved: true }, { kind: "none" }) },
    weights: {
      tensors,
      read: (name): WeightTensor => {
        const { shape: dims = [] } = tensors.get(name) ?? {};
        const [rows = 0, columns] = dims;
        if (columns !== undefined) return { ...madeWeights(rows, columns), name };
        return { name, format: "F32", shape: dims, data: new Uint8Array(new Float32Array(rows).fill(1).buffer) };
      },
    },
    tokenizer: { tokenizerJson: {}, tokenizerConfig: {}, chatTemplate: undefined, bosId: undefined, addBos: false, stopIds: [] },
    fingerprint: "made",
  };
}

function formatOf(dims: readonly number[]): "F32" | "Q4_1" {
  return dims.length === 1 ? "F32" : "Q4_1";
}
