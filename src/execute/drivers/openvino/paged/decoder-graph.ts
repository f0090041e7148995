import { dequantiseAll } from "../../../../graph/decoder/dequantise.ts";
import type { DecoderModel } from "../../../../graph/decoder/model.ts";
import type { WeightTensor } from "../../../../graph/decoder/weights.ts";
import { rotationTables } from "../../shared/rotations.ts";
import { createIrWriter, type IrModel, type IrValue, type IrWriter, outputOf } from "./ir-writer.ts";
import { blockOf, type ProductWeights, productWeights } from "./product-weights.ts";
import { inHeads, rotationOrder } from "./rotation-order.ts";

interface Graph {
  readonly ir: IrWriter;
  readonly model: DecoderModel;
  readonly cos: IrValue;
  readonly sin: IrValue;
  readonly batch: IrValue;
  readonly beam: IrValue;
  readonly mask: IrValue;
}

export interface DecoderRange {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly contextLimit: number;
}

/**
 * Layers of a stage with past keys and values as states, in the form that OpenVINO's own pass turns into paged attention: that of exported models
 * (inputs `inputs_embeds`, `position_ids`, `attention_mask`, `beam_idx`). After the pass: `inputs_embeds` [T, width], `position_ids` [T], the
 * operator's five counts, `key_cache.<l>` and `value_cache.<l>`; one output, the residual stream [T, 1, width].
 */
export function decoderGraph(model: DecoderModel, { fromLayer, toLayer, contextLimit }: DecoderRange): IrModel {
  const ir = createIrWriter();
  const { spec } = model;
  const x = ir.parameter("inputs_embeds", "f32", ["?", "?", spec.width]);
  const positions = ir.parameter("position_ids", "i64", ["?", "?"]);
  const attended = ir.parameter("attention_mask", "i64", ["?", "?"]);
  const beam = ir.parameter("beam_idx", "i32", ["?"]);
  const { cosines, sines } = rotationTables(spec.rope, contextLimit);
  const table = (values: Float32Array): IrValue => {
    const all = ir.constant("f32", [contextLimit, spec.headDim / 2], values);
    return unsqueeze(ir, ir.layer("Gather", 8, [all, positions, integers(ir, 0)], { data: { batch_dims: 0 } }), 1);
  };
  const kept = ir.layer("Convert", 1, [attended], { data: { destination_type: "boolean" } });
  const graph: Graph = {
    ir,
    model,
    cos: table(cosines),
    sin: table(sines),
    batch: sizesOf(ir, x, [0]),
    beam,
    mask: unsqueeze(ir, unsqueeze(ir, kept, 1), 1),
  };
  let stream = x;
  for (let layer = fromLayer; layer < toLayer; layer++) stream = decoderLayer(graph, layer, stream);
  ir.result("residual", stream);
  return ir.build("stage");
}

/** Logits [R, vocabulary] of `x` [R, width]. */
export function headGraph(model: DecoderModel): IrModel {
  const ir = createIrWriter();
  const x = ir.parameter("x", "f32", ["?", model.spec.width]);
  const normed = norm(ir, x, { weight: model.weights.read("final-norm"), epsilon: model.spec.normEpsilon, rank: 2 });
  ir.result("logits", product(ir, normed, productWeights(model.weights.read(model.spec.tiedHead ? "embedding" : "head"))));
  return ir.build("head");
}

/** `products` products of [rows, k] and [k, n], each on weights of its own that mean nothing: all small normal numbers. */
export function productsGraph({ n, k, products }: { readonly n: number; readonly k: number; readonly products: number }): IrModel {
  const ir = createIrWriter();
  const x = ir.parameter("x", "f32", ["?", k]);
  const block = blockOf(k);
  const levels = new Int8Array(n * k);
  for (let i = 0; i < levels.length; i++) levels[i] = ((i * 7919) & 127) + 1;
  for (let index = 0; index < products; index++) {
    // No two are alike, so that none stands for another.
    const quants = levels.slice();
    quants[0] = index;
    const scales = new Float32Array((n * k) / block).fill(0.001 + index / 1e6);
    ir.result(`y.${index}`, product(ir, x, { rows: n, columns: k, block, quants, scales }));
  }
  return ir.build("products");
}

function decoderLayer(graph: Graph, layer: number, x: IrValue): IrValue {
  const { ir, model } = graph;
  const { spec, weights } = model;
  const { heads, kvHeads, headDim, normEpsilon: epsilon } = spec;
  const read = (part: string): WeightTensor => weights.read(`layers.${layer}.${part}`);
  const order = rotationOrder(spec);
  const before = norm(ir, x, { weight: read("attention-norm"), epsilon });
  const projected = (part: "q" | "k" | "v", count: number): IrValue => {
    const places = part === "v" ? undefined : inHeads(order, count);
    const made = product(ir, before, productWeights(read(part), places));
    const biased = spec.qkvBias ? binary(ir, "Add", made, vector(ir, read(`${part}-bias`), { places, rank: 3 })) : made;
    const apart = reshape(ir, biased, [0, 0, count, headDim]);
    const normed = spec.qkNorm && part !== "v" ? norm(ir, apart, { weight: read(`${part}-norm`), epsilon, places: order, rank: 4 }) : apart;
    return transpose(ir, normed, [0, 2, 1, 3]);
  };
  const q = rotated(graph, projected("q", heads));
  const k = withPast(graph, `k.${layer}`, rotated(graph, projected("k", kvHeads)));
  const v = withPast(graph, `v.${layer}`, projected("v", kvHeads));
  const scale = ir.constant("f32", [], Float32Array.of(1 / Math.sqrt(headDim)));
  const mixed = ir.layer("ScaledDotProductAttention", 13, [q, k, v, graph.mask, scale], { data: { causal: false } });
  const rows = reshape(ir, transpose(ir, mixed, [0, 2, 1, 3]), [0, 0, heads * headDim]);
  const after = binary(ir, "Add", x, product(ir, rows, productWeights(read("o"))));
  const normed = norm(ir, after, { weight: read("ffn-norm"), epsilon });
  const gate = ir.layer("Swish", 4, [product(ir, normed, productWeights(read("gate")))]);
  const inner = binary(ir, "Multiply", gate, product(ir, normed, productWeights(read("up"))));
  return binary(ir, "Add", after, product(ir, inner, productWeights(read("down"))));
}

/** x [B, heads, T, D] with feature i turned against i + D/2. */
function rotated({ ir, cos, sin }: Graph, x: IrValue): IrValue {
  const low = ir.layer("Split", 1, [x, integers(ir, 3)], { data: { num_splits: 2 }, outputs: 2 });
  const high = outputOf(low, 1);
  const first = binary(ir, "Subtract", binary(ir, "Multiply", low, cos), binary(ir, "Multiply", high, sin));
  const second = binary(ir, "Add", binary(ir, "Multiply", high, cos), binary(ir, "Multiply", low, sin));
  return ir.layer("Concat", 1, [first, second], { data: { axis: 3 } });
}

/** A state, what is new behind it, and each head of it as often as queries share it. */
function withPast({ ir, batch, beam, model }: Graph, name: string, fresh: IrValue): IrValue {
  const { heads, kvHeads, headDim } = model.spec;
  const empty = ir.layer("Concat", 1, [batch, integers(ir, [kvHeads, 0, headDim])], { data: { axis: 0 } });
  const zero = ir.constant("f32", [], new Float32Array(1));
  const start = ir.layer("Broadcast", 3, [zero, empty], { data: { mode: "numpy" } });
  const data = { variable_id: name, variable_type: "f32", variable_shape: `?,${kvHeads},?,${headDim}` };
  const past = ir.layer("ReadValue", 6, [start], { data });
  const own = ir.layer("Gather", 8, [past, beam, integers(ir, 0)], { data: { batch_dims: 0 } });
  const all = ir.layer("Concat", 1, [own, fresh], { data: { axis: 2 } });
  ir.layer("Assign", 6, [all], { data: { variable_id: name } });
  const shape = ir.layer("Concat", 1, [batch, integers(ir, [kvHeads, heads / kvHeads]), sizesOf(ir, all, [2, 3])], { data: { axis: 0 } });
  const spread = ir.layer("Broadcast", 3, [unsqueeze(ir, all, 2), shape], { data: { mode: "bidirectional" } });
  return reshape(ir, spread, [0, heads, -1, headDim]);
}

interface Norm {
  readonly weight: WeightTensor;
  readonly epsilon: number;
  /** The weight's feature at each place. */
  readonly places?: Int32Array;
  /** Axes of x. */
  readonly rank?: number;
}

/** x / sqrt(mean(x²) + epsilon) · weight, over the last axis. */
function norm(ir: IrWriter, x: IrValue, { weight, epsilon, places, rank = 3 }: Norm): IrValue {
  const one = (value: number): IrValue => ir.constant("f32", [1], Float32Array.of(value));
  const square = binary(ir, "Multiply", x, x);
  const mean = ir.layer("ReduceMean", 1, [square, integers(ir, [-1])], { data: { keep_dims: true } });
  const root = ir.layer("Sqrt", 1, [binary(ir, "Add", mean, one(epsilon))]);
  const inverse = ir.layer("Divide", 1, [one(1), root], { data: { auto_broadcast: "numpy", m_pythondiv: true } });
  return binary(ir, "Multiply", binary(ir, "Multiply", x, inverse), vector(ir, weight, { places, rank }));
}

/** x [.., columns] times a matrix [rows, columns] in blocks of 8 bits, as the plugin finds compressed weights: [.., rows]. */
function product(ir: IrWriter, x: IrValue, { rows, columns, block, quants, scales }: ProductWeights): IrValue {
  const levels = ir.layer("Convert", 1, [ir.constant("i8", [rows, columns / block, block], quants)], { data: { destination_type: "f32" } });
  const blocks = binary(ir, "Multiply", levels, ir.constant("f32", [rows, columns / block, 1], scales));
  const matrix = ir.layer("Reshape", 1, [blocks, integers(ir, [rows, columns])], { data: { special_zero: false } });
  return ir.layer("MatMul", 1, [x, matrix], { data: { transpose_a: false, transpose_b: true } });
}

/** A vector along the last of `rank` axes. */
function vector(
  ir: IrWriter,
  tensor: WeightTensor,
  { places, rank }: { readonly places?: Int32Array | undefined; readonly rank: number },
): IrValue {
  const values = dequantiseAll(tensor);
  const placed = places === undefined ? values : Float32Array.from(places, (from) => values[from]!);
  return ir.constant("f32", [...new Array<number>(rank - 1).fill(1), placed.length], placed);
}

function binary(ir: IrWriter, type: "Add" | "Multiply" | "Subtract", a: IrValue, b: IrValue): IrValue {
  return ir.layer(type, 1, [a, b], { data: { auto_broadcast: "numpy" } });
}

function integers(ir: IrWriter, values: number | readonly number[]): IrValue {
  const list = typeof values === "number" ? [values] : values;
  return ir.constant("i64", typeof values === "number" ? [] : [list.length], BigInt64Array.from(list, BigInt));
}

function sizesOf(ir: IrWriter, x: IrValue, axes: readonly number[]): IrValue {
  const shape = ir.layer("ShapeOf", 3, [x], { data: { output_type: "i64" } });
  return ir.layer("Gather", 8, [shape, integers(ir, axes), integers(ir, 0)], { data: { batch_dims: 0 } });
}

function unsqueeze(ir: IrWriter, x: IrValue, axis: number): IrValue {
  return ir.layer("Unsqueeze", 1, [x, integers(ir, axis)]);
}

function reshape(ir: IrWriter, x: IrValue, shape: readonly number[]): IrValue {
  return ir.layer("Reshape", 1, [x, integers(ir, shape)], { data: { special_zero: true } });
}

function transpose(ir: IrWriter, x: IrValue, order: readonly number[]): IrValue {
  return ir.layer("Transpose", 1, [x, integers(ir, order)]);
}
