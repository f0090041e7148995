import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import type { WeightTensor } from "../../graph/decoder/weights.ts";
import { attention, type Phase } from "../../graph/lower/attention.ts";
import { stack } from "../../graph/lower/matrix.ts";
import { product } from "../../graph/lower/product.ts";
import { createOnnxBuilder, type OnnxModel } from "../../graph/onnx/builder.ts";
import type { ComputeFormat } from "../../rack/rack.ts";

/** A graph with one thing in it to be timed, and what to feed it. */
export interface OperatorModel {
  readonly model: OnnxModel;
  readonly usesRowZeros: boolean;
}

/** Elements of a block of Q4_1, its bytes, and two half floats: a scale and a minimum that give weights around zero. Source: ggml-common.h. */
const Q4_1_ELEMENTS = 32;
const Q4_1_BYTES = 20;
const SCALE_HALF = 0x211f;
const MINIMUM_HALF = 0xad1f;
const BYTE_STEP = 97;

/** y = x·Wᵀ in one format, lowered as a stage's products are, from weights as the default model's file holds them. Input `x` [M, k]. */
export function productModel(format: ComputeFormat, n: number, k: number): OperatorModel {
  const builder = createOnnxBuilder(`product ${n} x ${k}`);
  const usesRowZeros = format === "int8-row";
  const rowZeros = usesRowZeros ? builder.input("row_zeros", "uint8", ["M"]) : undefined;
  const x = builder.input("x", "float32", ["M", k]);
  const weight = stack("w", [{ tensor: madeWeights(n, k), scale: 1 }]);
  const y = product({ builder, format, rowZeros }, { x }, weight);
  builder.output(y, "float32", ["M", n]);
  return { model: builder.build(), usesRowZeros };
}

function madeWeights(rows: number, columns: number): WeightTensor {
  const data = new Uint8Array(((rows * columns) / Q4_1_ELEMENTS) * Q4_1_BYTES);
  for (let at = 0; at < data.length; at++) data[at] = at * BYTE_STEP + (at >> 8);
  const view = new DataView(data.buffer);
  for (let at = 0; at < data.length; at += Q4_1_BYTES) {
    view.setUint16(at, SCALE_HALF, true);
    view.setUint16(at + 2, MINIMUM_HALF, true);
  }
  return { name: "w", format: "Q4_1", shape: [rows, columns], data };
}

/** Head geometry of the attention that is timed. */
export type AttentionShape = Pick<DecoderSpec, "heads" | "kvHeads" | "headDim">;

/** The two-part attention of one layer, lowered as a stage's is. Inputs as `AttentionInputs` names them. */
export function attentionModel(shape: AttentionShape, phase: Phase): OnnxModel {
  const builder = createOnnxBuilder(`attention, ${phase}`);
  const { heads, kvHeads, headDim } = shape;
  const span = (heads + kvHeads) * headDim;
  const prefill = phase === "prefill";
  const past = prefill ? [kvHeads, "P", headDim] : ["B", kvHeads, "P", headDim];
  // Attention reads nothing else of a model than its heads.
  const outputs = attention(builder, shape as DecoderSpec, {
    phase,
    inputs: {
      queriesKeys: builder.input("queries_keys", "float32", prefill ? [1, "S", span] : ["B", 1, span]),
      values: builder.input("values", "float32", ["R", kvHeads * headDim]),
      pastKeys: builder.input("past_keys", "float32", past),
      pastValues: builder.input("past_values", "float32", past),
      pastMask: builder.input("past_mask", "float32", prefill ? [1, 1, "P"] : ["B", 1, 1, "P"]),
      newMask: prefill ? builder.input("new_mask", "float32", [1, "GS", "S"]) : undefined,
      splitSizes: builder.input("split_sizes", "int64", [2]),
    },
  });
  builder.output(outputs.mixed, "float32", ["R", heads * headDim]);
  builder.output(outputs.newKeys, "float32", prefill ? [kvHeads, "S", headDim] : ["B", kvHeads, 1, headDim]);
  return builder.build();
}

/** `count` small operators one after another on a row of `width`: what an operator costs beside its arithmetic. Input `x` [1, width]. */
export function chainModel(count: number, width: number): OnnxModel {
  const builder = createOnnxBuilder(`chain of ${count}`);
  const x = builder.input("x", "float32", [1, width]);
  let value = x;
  // Alternating operators, which no optimiser can fold into one.
  for (let index = 0; index < count; index++) value = builder.node(index % 2 === 0 ? "Abs" : "Neg", [value]);
  builder.output(value, "float32", [1, width]);
  return builder.build();
}
