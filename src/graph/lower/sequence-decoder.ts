import { dequantiseAll } from "../decoder/dequantise.ts";
import type { DecoderSpec } from "../decoder/spec.ts";
import type { WeightSource } from "../decoder/weights.ts";
import { bytesOfArray, createOnnxBuilder, type OnnxBuilder, type OnnxModel, type Value } from "../onnx/builder.ts";
import { normHeads } from "./attention.ts";
import { int64Constant } from "./constants.ts";
import { type StackedMatrix, stack } from "./matrix.ts";
import { createPackedWeights } from "./packed-weights.ts";
import { constantOnce, type ProductContext, product } from "./product.ts";
import type { RotationTables } from "./stage-attention.ts";

export interface SequenceDecoderOptions {
  readonly rotations: RotationTables;
  /** Logits of the last token alone, or of all. */
  readonly logits: "last" | "all";
}

/** A decoder as one graph, and the operators behind which a layer ends: one tensor is handed on there. */
export interface SequenceDecoder {
  readonly model: OnnxModel;
  readonly layerEnds: readonly string[];
}

const MICROSOFT = "com.microsoft";
/** Beyond the end of every axis, for a slice to the end. */
const END = 2_147_483_647;

/** What the parts of a layer are lowered from; of a shard of the model, `spec` and `weights` are the shard's. */
export interface Lowering {
  readonly spec: DecoderSpec;
  readonly weights: WeightSource;
  readonly products: ProductContext;
  /** [1, T] */
  readonly positions: Value;
  readonly cosines: Value;
  readonly sines: Value;
}

/**
 * Lowers a decoder for one sequence to one f32 graph with its past as inputs.
 *
 * Shapes: inputs `tokens`, `positions` int64 [T]; `k.<l>`, `v.<l>` [P, KV·D], keys rotated. Outputs `logits` [T or 1, vocabulary]; `k.<l>.rows`,
 * `v.<l>.rows` [T, KV·D], which belong behind the past. Operators are named `layers.<l>.<part>/<n>`, `embedding/<n>`, `head/<n>`.
 */
export function lowerSequenceDecoder(spec: DecoderSpec, weights: WeightSource, options: SequenceDecoderOptions): SequenceDecoder {
  const builder = createOnnxBuilder(spec.name);
  const tokens = builder.input("tokens", "int64", ["T"]);
  const positions = builder.input("positions", "int64", ["T"]);
  const { cosines, sines, positions: known } = options.rotations;
  const dims = [known, spec.headDim / 2];
  const table = builder.weight(
    "embedding",
    "float32",
    [spec.vocabulary, spec.width],
    bytesOfArray(dequantiseAll(weights.read("embedding"))),
  );
  const scope = (name: string): ProductContext => ({
    builder: named(builder, name),
    format: "f32",
    shared: new Map(),
    packed: createPackedWeights(),
    dialect: "onnxruntime",
  });
  const start = scope("embedding");
  const shared = {
    spec,
    weights,
    positions: start.builder.node("Unsqueeze", [positions, int64Constant(start.builder, [0])]),
    cosines: builder.weight("cosines", "float32", dims, bytesOfArray(cosines)),
    sines: builder.weight("sines", "float32", dims, bytesOfArray(sines)),
  };
  let x = start.builder.node("Gather", [table, tokens]);
  const layerEnds = ["embedding/1"];
  for (let layer = 0; layer < spec.layers; layer++) {
    const attended = attentionBlock({ ...shared, products: scope(`layers.${layer}.attention`) }, layer, x);
    x = feedForward({ ...shared, products: scope(`layers.${layer}.ffn`) }, layer, attended);
    layerEnds.push(`layers.${layer}.ffn/end`);
  }
  head({ ...shared, products: scope("head") }, x, { table, last: options.logits === "last" });
  return { model: builder.build(), layerEnds };
}

/** A builder that names operators after their part of the model. */
export function named(builder: OnnxBuilder, part: string): OnnxBuilder {
  let next = 0;
  const nameOf = (): string => `${part}/${next++}`;
  return {
    ...builder,
    node: (operator, inputs, options = {}) => builder.node(operator, inputs, { name: nameOf(), ...options }),
    nodeOutputs: (operator, inputs, options) => builder.nodeOutputs(operator, inputs, { name: nameOf(), ...options }),
  };
}

function attentionBlock(lowering: Lowering, layer: number, x: Value): Value {
  return lowering.products.builder.node("Add", [x, attentionPart(lowering, layer, x)]);
}

/** What a layer's attention adds to the residual stream. */
export function attentionPart(lowering: Lowering, layer: number, x: Value): Value {
  const { spec, weights, products } = lowering;
  const { builder } = products;
  const matrix = (name: string, parts: readonly string[], scale = 1): StackedMatrix =>
    stack(
      `layers.${layer}.${name}`,
      parts.map((part, i) => ({ tensor: weights.read(`layers.${layer}.${part}`), scale: i === 0 ? scale : 1 })),
    );
  const scale = 1 / Math.sqrt(spec.headDim);
  const normed = norm(lowering, `layers.${layer}.attention-norm`, x);
  const qkv = biased(lowering, layer, product(products, { x: normed }, matrix("qkv", ["q", "k", "v"], spec.qkNorm ? 1 : scale)));
  const { mixed, keys, values } = attend(lowering, layer, qkv);
  output(builder, keys, spec, "k", layer);
  output(builder, values, spec, "v", layer);
  return product(products, { x: mixed }, matrix("o", ["o"]));
}

function output(builder: OnnxBuilder, rows: Value, spec: DecoderSpec, kind: "k" | "v", layer: number): void {
  const shape = int64Constant(builder, [-1, spec.kvHeads * spec.headDim]);
  const flat = builder.node("Reshape", [rows, shape], { outputNames: [`${kind}.${layer}.rows`] });
  builder.output(flat, "float32", ["T", spec.kvHeads * spec.headDim]);
}

/** Causal attention over the past and the new rows. Shapes: qkv [T, (H + 2·KV)·D]; keys and values [T, KV, D], mixed [T, H·D]. */
function attend(lowering: Lowering, layer: number, qkv: Value): { mixed: Value; keys: Value; values: Value } {
  const { spec, products, positions, cosines, sines } = lowering;
  const { builder } = products;
  const { heads, kvHeads, headDim } = spec;
  const byHead = builder.node("Reshape", [qkv, int64Constant(builder, [-1, heads + 2 * kvHeads, headDim])]);
  const sizes = int64Constant(builder, [heads, kvHeads, kvHeads]);
  const [q = "", k = "", values = ""] = builder.nodeOutputs("Split", [byHead, sizes], { attributes: { axis: 1 }, outputs: 3 });
  const vector = (part: string, scale = 1): Value => weightVector(lowering, `layers.${layer}.${part}`, scale);
  const { queries, keys } = spec.qkNorm
    ? normHeads(
        builder,
        { query: vector("q-norm", 1 / Math.sqrt(headDim)), key: vector("k-norm"), epsilon: spec.normEpsilon },
        { queries: q, keys: k },
      )
    : { queries: q, keys: k };
  const rotated = (rows: Value, count: number): Value => {
    const flat = builder.node("Reshape", [rows, int64Constant(builder, [1, -1, count * headDim])]);
    const attributes = { interleaved: spec.rope.interleaved ? 1 : 0, num_heads: count, rotary_embedding_dim: 0 };
    return builder.node("RotaryEmbedding", [flat, positions, cosines, sines], { domain: MICROSOFT, attributes });
  };
  const newKeys = rotated(keys, kvHeads);
  const pastDims = ["P", kvHeads * headDim];
  const past = ["k", "v"].map((kind) => laidOut(builder, builder.input(`${kind}.${layer}`, "float32", pastDims), kvHeads, headDim));
  const { lastPosition, total } = counts(products, past[0]!, qkv);
  const attributes = { num_heads: heads, kv_num_heads: kvHeads, scale: { float: 1 } };
  const flatValues = builder.node("Reshape", [values, int64Constant(builder, [1, -1, kvHeads * headDim])]);
  const given = [rotated(queries, heads), newKeys, flatValues, ...past, lastPosition, total];
  const [mixed = ""] = builder.nodeOutputs("GroupQueryAttention", given, { domain: MICROSOFT, attributes, outputs: 3 });
  return { mixed: builder.node("Reshape", [mixed, int64Constant(builder, [-1, heads * headDim])]), keys: newKeys, values };
}

/** Rows [P, KV·D] as the attention operator wants them, [1, KV, P, D]. */
function laidOut(builder: OnnxBuilder, rows: Value, kvHeads: number, headDim: number): Value {
  const split = builder.node("Reshape", [rows, int64Constant(builder, [1, -1, kvHeads, headDim])]);
  return builder.node("Transpose", [split], { attributes: { perm: [0, 2, 1, 3] } });
}

/** int32: the last token's position, [1]; tokens with the new ones, scalar. */
function counts(products: ProductContext, past: Value, qkv: Value): { lastPosition: Value; total: Value } {
  const { builder } = products;
  const one = constantOnce(products, "one", () => int64Constant(builder, [1]));
  const before = builder.node("Gather", [builder.node("Shape", [past]), int64Constant(builder, [2])]);
  const now = builder.node("Gather", [builder.node("Shape", [qkv]), int64Constant(builder, [0])]);
  const all = builder.node("Add", [before, now]);
  const asInt32 = (value: Value): Value => builder.node("Cast", [value], { attributes: { to: 6 } });
  const total = asInt32(builder.node("Squeeze", [all]));
  return { lastPosition: asInt32(builder.node("Sub", [all, one])), total };
}

function feedForward(lowering: Lowering, layer: number, x: Value): Value {
  const added = feedForwardPart(lowering, layer, x);
  return lowering.products.builder.node("Add", [x, added], { name: `layers.${layer}.ffn/end` });
}

/** What a layer's feed-forward network adds to the residual stream. */
export function feedForwardPart(lowering: Pick<Lowering, "spec" | "weights" | "products">, layer: number, x: Value): Value {
  const { spec, weights, products } = lowering;
  const { builder } = products;
  const matrix = (name: string, parts: readonly string[]): StackedMatrix =>
    stack(
      `layers.${layer}.${name}`,
      parts.map((part) => ({ tensor: weights.read(`layers.${layer}.${part}`), scale: 1 })),
    );
  const normed = norm(lowering, `layers.${layer}.ffn-norm`, x);
  const both = product(products, { x: normed }, matrix("gate-up", ["gate", "up"]));
  const halves = int64Constant(builder, [spec.feedForward, spec.feedForward]);
  const [gate = "", up = ""] = builder.nodeOutputs("Split", [both, halves], { attributes: { axis: 1 }, outputs: 2 });
  const active = builder.node("QuickGelu", [gate], { domain: MICROSOFT, attributes: { alpha: { float: 1 } } });
  const inner = builder.node("Mul", [active, up]);
  return product(products, { x: inner }, matrix("down", ["down"]));
}

function head(lowering: Lowering, x: Value, { table, last }: { readonly table: Value; readonly last: boolean }): void {
  const { spec, weights, products } = lowering;
  const { builder } = products;
  const wanted = last
    ? builder.node("Slice", [x, int64Constant(builder, [-1]), int64Constant(builder, [END]), int64Constant(builder, [0])])
    : x;
  const normed = norm(lowering, "final-norm", wanted);
  const weight = spec.tiedHead
    ? table
    : builder.weight("head", "float32", [spec.vocabulary, spec.width], bytesOfArray(dequantiseAll(weights.read("head"))));
  const logits = builder.node("Gemm", [normed, weight], { attributes: { transB: 1 }, outputNames: ["logits"] });
  builder.output(logits, "float32", [last ? 1 : "T", spec.vocabulary]);
}

/** RMS norm with a weight of the model. */
export function norm(lowering: Pick<Lowering, "spec" | "weights" | "products">, name: string, x: Value): Value {
  const attributes = { epsilon: { float: lowering.spec.normEpsilon }, axis: -1 };
  return lowering.products.builder.node("SimplifiedLayerNormalization", [x, weightVector(lowering, name)], { attributes });
}

function weightVector({ products, weights }: Pick<Lowering, "products" | "weights">, name: string, scale = 1): Value {
  const values = dequantiseAll(weights.read(name));
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i]! *= scale;
  return products.builder.weight(name, "float32", [values.length], bytesOfArray(values));
}

/** Biases of queries, keys and values, the attention scale on those of queries where no norm of the heads carries it. */
function biased({ spec, weights, products }: Lowering, layer: number, qkv: Value): Value {
  if (!spec.qkvBias) return qkv;
  const scale = spec.qkNorm ? 1 : 1 / Math.sqrt(spec.headDim);
  const parts = ["q-bias", "k-bias", "v-bias"].map((part) => dequantiseAll(weights.read(`layers.${layer}.${part}`)));
  for (let i = 0; i < parts[0]!.length; i++) parts[0]![i]! *= scale;
  const bias = Float32Array.from(parts.flatMap((part) => [...part]));
  return products.builder.node("Add", [
    qkv,
    products.builder.weight(`layers.${layer}.qkv-bias`, "float32", [bias.length], bytesOfArray(bias)),
  ]);
}
