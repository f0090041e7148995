import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import type { WeightTensor } from "../../graph/decoder/weights.ts";
import type { Attending, Phase } from "../../graph/lower/attention.ts";
import { decodeAttention, decodeInputs } from "../../graph/lower/decode-attention.ts";
import { promptOpset, type StageDialect, tokensFirst } from "../../graph/lower/dialect.ts";
import { stack } from "../../graph/lower/matrix.ts";
import { createPackedWeights } from "../../graph/lower/packed-weights.ts";
import { product } from "../../graph/lower/product.ts";
import { promptAttention } from "../../graph/lower/stage-attention.ts";
import { bytesOfArray, createOnnxBuilder, type OnnxModel, type Value } from "../../graph/onnx/builder.ts";
import type { GraphFormat } from "../../rack/rack.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";

/** Elements of a block of Q4_1, its bytes, and two half floats: a scale and a minimum that give weights around zero. Source: ggml-common.h. */
const Q4_1_ELEMENTS = 32;
const Q4_1_BYTES = 20;
const SCALE_HALF = 0x211f;
const MINIMUM_HALF = 0xad1f;
const BYTE_STEP = 97;

/** y = x·Wᵀ in one format, lowered as a stage's products are, from weights as the default model's file holds them. Input `x` [M, k]. */
export function productModel(format: GraphFormat, { n, k }: { readonly n: number; readonly k: number }, dialect: StageDialect): OnnxModel {
  const builder = createOnnxBuilder(`product ${n} x ${k}`);
  const x = builder.input("x", "float32", ["M", k]);
  const weight = stack("w", [{ tensor: madeWeights(n, k), scale: 1 }]);
  // A stage rounds to 8 bits what a norm has brought to an even size.
  const input = format === "int8-row" ? ({ x, rows: "even, unit" } as const) : { x };
  const y = product({ builder, format, dialect, shared: new Map(), packed: createPackedWeights() }, input, weight);
  builder.output(y, "float32", ["M", n]);
  return builder.build();
}

/** Weights of blocks of 4 bits that mean nothing, around zero. */
export function madeWeights(rows: number, columns: number): WeightTensor {
  const data = new Uint8Array(((rows * columns) / Q4_1_ELEMENTS) * Q4_1_BYTES);
  for (let at = 0; at < data.length; at++) data[at] = at * BYTE_STEP + (at >> 8);
  const view = new DataView(data.buffer);
  for (let at = 0; at < data.length; at += Q4_1_BYTES) {
    view.setUint16(at, SCALE_HALF, true);
    view.setUint16(at + 2, MINIMUM_HALF, true);
  }
  return { name: "w", format: "Q4_1", shape: [rows, columns], data };
}

/** Positions the rotation knows: at least as many as rows are timed at once, or the operator refuses. */
const ROTATED_POSITIONS = 8192;

/** Head geometry of the attention that is timed. */
export type AttentionShape = Pick<DecoderSpec, "heads" | "kvHeads" | "headDim">;

/** The attention of one layer with its rotation, lowered as a stage's is. Inputs as `AttentionInputs` and those its phase declares name them. */
export function attentionModel(shape: AttentionShape, phase: Exclude<Phase, "mixed">, dialect: StageDialect): OnnxModel {
  const builder = createOnnxBuilder(`attention, ${phase}`, phase === "prefill" ? promptOpset(dialect) : undefined);
  const { heads, kvHeads, headDim } = shape;
  const table = bytesOfArray(new Float32Array((ROTATED_POSITIONS * headDim) / 2).fill(1));
  const attending: Attending = {
    builder,
    // Attention reads nothing else of a model than its heads and the kind of rotation.
    spec: { ...shape, rope: { interleaved: true } } as DecoderSpec,
    cosines: builder.weight("cosines", "float32", [ROTATED_POSITIONS, headDim / 2], table),
    sines: builder.weight("sines", "float32", [ROTATED_POSITIONS, headDim / 2], table),
  };
  const qkv = { qkv: builder.input("qkv", "float32", ["R", (heads + 2 * kvHeads) * headDim]), norms: undefined };
  const pages = (name: string): Value => builder.input(name, "float32", ["N", kvHeads, 1, BLOCK_TOKENS, headDim]);
  const outputs =
    phase === "prefill"
      ? promptAttention(attending, dialect)(qkv, { keys: "past_keys", values: "past_values" })
      : decodeAttention(attending, decodeInputs(builder, BLOCK_TOKENS), {
          ...qkv,
          pastKeys: pages("past_keys"),
          pastValues: pages("past_values"),
        });
  builder.output(outputs.mixed, "float32", ["R", heads * headDim]);
  const tokens = phase === "prefill" && tokensFirst(dialect) ? ["S", kvHeads * headDim] : [kvHeads, "S", headDim];
  builder.output(outputs.newKeys, "float32", ["B", ...tokens]);
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
