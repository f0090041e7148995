import { dequantiseAll } from "../decoder/dequantise.ts";
import type { DecoderSpec } from "../decoder/spec.ts";
import type { WeightSource } from "../decoder/weights.ts";
import { bytesOfArray, createOnnxBuilder, type Dims, type OnnxBuilder, type OnnxModel, type Value } from "../onnx/builder.ts";
import type { HeadNorms, Phase } from "./attention.ts";
import type { GraphFormat } from "./compute-format.ts";
import { int64Constant, onesConstant } from "./constants.ts";
import { type GraphDialect, promptOpset, tokensFirst } from "./dialect.ts";
import { type StackedMatrix, stack } from "./matrix.ts";
import { createPackedWeights } from "./packed-weights.ts";
import { constantOnce, type ProductContext, type ProductInput, product } from "./product.ts";
import { rotationBlock, rotationMatrix } from "./rotation.ts";
import { type RotationTables, type StageAttention, stageAttention } from "./stage-attention.ts";

export interface StageRange {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly phase: Phase;
  readonly format: GraphFormat;
  /** Tokens of a page of past keys and values (decode). */
  readonly pageTokens: number;
  readonly rotations: RotationTables;
  /** That of ONNX Runtime where absent. */
  readonly dialect?: GraphDialect;
}

/**
 * A lowered stage. Inputs: `x`; with decoding rows `positions`, `page_rows`, `page_mask`, `row_pages`, `row_mask`, `k.<l>`, `v.<l>`; with a prompt
 * `prompt.k.<l>`, `prompt.v.<l>` and, by dialect, `last_position`, `total_tokens`, `chunk_start`, `chunk_end` or `prompt_positions`, `prompt_mask`;
 * with both `row_split`.
 */
export interface StageGraph {
  readonly model: OnnxModel;
  /** Residual stream after the last layer, [rows, width]. */
  readonly xOut: string;
  /** New keys and values of all layers, keys of layer 0, values of layer 0, keys of layer 1 …: of decoded tokens, [2L·R, KV, 1, D]. */
  readonly decodedOut: string | undefined;
  /** As `decodedOut`, of a prompt's tokens: [2L, KV, S, D], or [2L, S, KV·D] with tokens first. */
  readonly promptOut: string | undefined;
  readonly fromLayer: number;
  readonly toLayer: number;
}

const MICROSOFT = "com.microsoft";

interface Lowering {
  readonly builder: OnnxBuilder;
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  readonly range: StageRange;
  readonly products: ProductContext;
  readonly attention: StageAttention;
}

/**
 * Lowers layers [fromLayer, toLayer) to one ONNX graph of few, fused operators that takes the past and returns only new keys and values.
 *
 * Shapes: x [rows, W]; which rows there are, `range.phase` says. Graphs of one stage in one format may share `packed` weights.
 */
export function lowerStage(spec: DecoderSpec, weights: WeightSource, range: StageRange, packed = createPackedWeights()): StageGraph {
  const { fromLayer, toLayer, dialect = "onnxruntime" } = range;
  const opset = range.phase === "decode" ? undefined : promptOpset(dialect);
  const builder = createOnnxBuilder(`layers ${fromLayer} to ${toLayer}, ${range.phase}`, opset);
  const attention = stageAttention(builder, spec, range);
  const products: ProductContext = { builder, format: range.format, dialect, shared: new Map(), packed };
  const lowering: Lowering = { builder, spec, weights, range, products, attention };
  // Other inputs of a mixed graph count decoding rows alone.
  const rows = range.phase === "mixed" ? "rows" : "R";
  const given = builder.input("x", "float32", [rows, spec.width]);
  let x = isRotated(range) ? rotateRows(products, given, spec.width) : given;
  let delta: Value | undefined;
  for (let layer = fromLayer; layer < toLayer; layer++) {
    const done = lowerLayer(lowering, layer, { x, delta });
    x = done.x;
    delta = done.delta;
  }
  const sum = delta === undefined ? x : builder.node("Add", [x, delta]);
  const xOut = isRotated(range) ? rotateRows(products, sum, spec.width) : sum;
  builder.output(xOut, "float32", [rows, spec.width]);
  const { kvHeads, headDim } = spec;
  const decodedOut = newKv(builder, attention.decoded, [kvHeads, 1, headDim]);
  const promptOut = newKv(builder, attention.prompt, tokensFirst(dialect) ? ["S", kvHeads * headDim] : [kvHeads, "S", headDim]);
  return { model: builder.build(), xOut, decodedOut, promptOut, fromLayer, toLayer };
}

/** One output of all layers' new keys and values, if the graph makes any; each part has `dims` behind its first axis. */
function newKv(builder: OnnxBuilder, parts: readonly Value[], dims: Dims): Value | undefined {
  if (parts.length === 0) return undefined;
  const out = builder.node("Concat", parts, { attributes: { axis: 0 } });
  builder.output(out, "float32", [`${out}_rows`, ...dims]);
  return out;
}

interface LayerDone {
  readonly x: Value;
  readonly delta: Value;
}

/** One layer. The residual addition of a block is left to the next norm, which does both in one operator. */
function lowerLayer(lowering: Lowering, layer: number, residual: { x: Value; delta: Value | undefined }): LayerDone {
  const { spec, weights, products, range } = lowering;
  const name = (part: string): string => `layers.${layer}.${part}`;
  const matrix = (part: string, pieces: readonly string[], basis: Partial<StackedMatrix> = {}, queriesScale = 1) => {
    const parts = pieces.map((piece, i) => ({ tensor: weights.read(name(piece)), scale: i === 0 ? queriesScale : 1 }));
    return stack(name(part), parts, basis);
  };
  const rotated = isRotated(range);
  const reads = (weight: string): Partial<StackedMatrix> =>
    rotated ? { inputScale: dequantiseAll(weights.read(name(weight))), rotateInput: true } : {};
  const writes: Partial<StackedMatrix> = rotated ? { rotateOutput: true } : {};
  const before = norm(lowering, name("attention-norm"), residual);
  const scale = spec.qkNorm ? 1 : queryScale(spec);
  const qkv = biased(
    lowering,
    layer,
    product(products, normedInput(range, before.normed), matrix("qkv", ["q", "k", "v"], reads("attention-norm"), scale)),
  );
  const mixed = lowering.attention.attend(layer, { qkv, norms: headNorms(lowering, layer) });
  const o = product(products, { x: mixed }, matrix("o", ["o"], writes));
  const after = norm(lowering, name("ffn-norm"), { x: before.x, delta: o });
  const inner = rotated
    ? gatedRotated(lowering, after.normed, {
        gate: matrix("gate", ["gate"], reads("ffn-norm")),
        up: matrix("up", ["up"], reads("ffn-norm")),
      })
    : fusesActivation(range)
      ? gatedApart(lowering, after.normed, { gate: matrix("gate", ["gate"]), up: matrix("up", ["up"]) })
      : gated(lowering, after.normed, matrix("gate-up", ["gate", "up"]));
  const delta = product(products, inner, matrix("down", ["down"], { ...writes, rotateInput: rotated }));
  return { x: after.x, delta };
}

function normedInput(range: StageRange, x: Value): ProductInput {
  return isRotated(range) ? { x, rows: "even, unit" } : { x };
}

/** silu(gate) · up from one product that gives both. */
function gated({ builder, spec, products }: Lowering, x: Value, gateUp: StackedMatrix): ProductInput {
  const halves = int64Constant(builder, [spec.feedForward, spec.feedForward]);
  const both = product(products, { x }, gateUp);
  const [gate = "", up = ""] = builder.nodeOutputs("Split", [both, halves], { attributes: { axis: 1 }, outputs: 2 });
  return { x: builder.node("Mul", [silu(builder, gate), up]) };
}

/** A prompt's rows are many: splitting them costs more than a second product, behind whose first the activation is fused. */
function fusesActivation({ dialect, phase }: StageRange): boolean {
  return dialect === "openvino" && phase !== "decode";
}

/** As `gated`, from two products. */
function gatedApart({ builder, products }: Lowering, x: Value, weights: { gate: StackedMatrix; up: StackedMatrix }): ProductInput {
  const input: ProductInput = { x };
  const gate = silu(builder, product(products, input, weights.gate));
  return { x: builder.node("Mul", [gate, product(products, input, weights.up)]) };
}

/** As `gated`, rotated; from two products, since splitting a prompt's rows copies more than a product costs. */
function gatedRotated({ builder, spec, products }: Lowering, x: Value, weights: { gate: StackedMatrix; up: StackedMatrix }): ProductInput {
  const input: ProductInput = { x, rows: "even, unit" };
  const gate = silu(builder, product(products, input, weights.gate));
  const up = product(products, input, weights.up);
  return { x: rotateRows(products, builder.node("Mul", [gate, up]), spec.feedForward), rows: "even" };
}

function silu(builder: OnnxBuilder, x: Value): Value {
  return builder.node("QuickGelu", [x], { domain: MICROSOFT, attributes: { alpha: { float: 1 } } });
}

/** RMS norm of x + delta, and the sum itself. */
function norm(lowering: Lowering, weight: string, residual: { x: Value; delta: Value | undefined }): { normed: Value; x: Value } {
  const { builder, spec } = lowering;
  // In the rotated basis the norm's weight has moved into the products that read it.
  const gamma = isRotated(lowering.range) ? ones(lowering) : vector(lowering, weight);
  const epsilon = { float: spec.normEpsilon };
  if (residual.delta === undefined) {
    const attributes = { epsilon, axis: -1 };
    return { normed: builder.node("SimplifiedLayerNormalization", [residual.x, gamma], { attributes }), x: residual.x };
  }
  const [normed = "", , , x = ""] = builder.nodeOutputs("SkipSimplifiedLayerNormalization", [residual.x, residual.delta, gamma], {
    domain: MICROSOFT,
    attributes: { epsilon },
    outputs: 4,
  });
  return { normed, x };
}

/** The query norm's weight carries the attention scale where there is one. */
function headNorms(lowering: Lowering, layer: number): HeadNorms | undefined {
  const { spec } = lowering;
  if (!spec.qkNorm) return undefined;
  return {
    query: vector(lowering, `layers.${layer}.q-norm`, queryScale(spec)),
    key: vector(lowering, `layers.${layer}.k-norm`),
    epsilon: spec.normEpsilon,
  };
}

function biased(lowering: Lowering, layer: number, qkv: Value): Value {
  const { builder, spec, weights } = lowering;
  if (!spec.qkvBias) return qkv;
  const scale = spec.qkNorm ? 1 : queryScale(spec);
  const parts = ["q-bias", "k-bias", "v-bias"].map((part) => dequantiseAll(weights.read(`layers.${layer}.${part}`)));
  const bias = new Float32Array((spec.heads + 2 * spec.kvHeads) * spec.headDim);
  let at = 0;
  parts.forEach((part, i) => {
    for (let j = 0; j < part.length; j++) bias[at++] = part[j]! * (i === 0 ? scale : 1);
  });
  return builder.node("Add", [qkv, builder.weight(`layers.${layer}.qkv-bias`, "float32", [bias.length], bytesOfArray(bias))]);
}

function ones({ products, spec }: Lowering): Value {
  return constantOnce(products, `ones ${spec.width}`, () => onesConstant(products.builder, spec.width));
}

/** A stage whose activations are rounded to 8 bits a row works in a rotated basis, where no single column dominates a row. */
function isRotated(range: StageRange): boolean {
  return range.format === "int8-row";
}

/** x in the rotated basis, or back from it. Shapes: [R, width] both ways. */
function rotateRows(products: ProductContext, x: Value, width: number): Value {
  const { builder } = products;
  const block = rotationBlock(width);
  if (block === 1) return x;
  const matrix = constantOnce(products, `rotation ${block}`, () =>
    builder.constant("float32", [block, block], bytesOfArray(rotationMatrix(block))),
  );
  const blocks = builder.node("Reshape", [x, int64Constant(builder, [-1, block])]);
  return builder.node("Reshape", [builder.node("MatMul", [blocks, matrix]), int64Constant(builder, [-1, width])]);
}

function vector(lowering: Lowering, name: string, scale = 1): Value {
  const values = dequantiseAll(lowering.weights.read(name));
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i]! *= scale;
  return lowering.builder.weight(name, "float32", [values.length], bytesOfArray(values));
}

function queryScale(spec: DecoderSpec): number {
  return 1 / Math.sqrt(spec.headDim);
}

/** Final norm and head. Input `x` [N, width], output logits [N, vocabulary]. */
export function lowerHead(
  spec: DecoderSpec,
  weights: WeightSource,
  format: GraphFormat,
  dialect: GraphDialect = "onnxruntime",
): { model: OnnxModel; logits: string } {
  const builder = createOnnxBuilder("head");
  const products: ProductContext = { builder, format, dialect, shared: new Map(), packed: createPackedWeights() };
  const x = builder.input("x", "float32", ["N", spec.width]);
  const gamma = dequantiseAll(weights.read("final-norm"));
  const rotated = format === "int8-row";
  const weight = rotated ? onesConstant(builder, spec.width) : builder.weight("final-norm", "float32", [spec.width], bytesOfArray(gamma));
  const attributes = { epsilon: { float: spec.normEpsilon }, axis: -1 };
  const given = rotated ? rotateRows(products, x, spec.width) : x;
  const normed = builder.node("SimplifiedLayerNormalization", [given, weight], { attributes });
  const tensor = weights.read(spec.tiedHead ? "embedding" : "head");
  const basis: Partial<StackedMatrix> = rotated ? { inputScale: gamma, rotateInput: true } : {};
  const logits = product(
    products,
    rotated ? { x: normed, rows: "even, unit" } : { x: normed },
    stack("head", [{ tensor, scale: 1 }], basis),
  );
  builder.output(logits, "float32", ["N", spec.vocabulary]);
  return { model: builder.build(), logits };
}
