/**
 * Goal: bytes, states, parameters and sizes of a graph that was read from a file are what the file says. Method: small models made here, figures
 * worked out by hand; stage graphs that heddle lowers against the configuration of the same decoder.
 */
import { describe, expect, it, test } from "vitest";
import { graphOfOne, type OneOperator } from "../../test/support/one-operator.ts";
import { cacheModel, controlModel, functionModel, mixedModel, quantisedModel } from "../../test/support/tiny-onnx.ts";
import { bytesOf } from "../base/bytes.ts";
import { type Bindings, constant, evaluate } from "../graph/ir/expression.ts";
import type { Graph } from "../graph/ir/graph.ts";
import { bytesOfArray, createOnnxBuilder } from "../graph/onnx/builder.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import { inspectGraph } from "./inspect-graph.ts";
import type { Inspection } from "./inspection.ts";
import { workOf } from "./operator-work.ts";
import { storedInGraph } from "./stored-weights.ts";

const f = (...sizes: (number | string)[]) => ["f32", sizes] as const;
const w = (type: string, ...sizes: number[]) => [`w:${type}`, sizes] as const;
const MICROSOFT = "com.microsoft";

function bytes(one: OneOperator): readonly number[] {
  const graph = graphOfOne(one);
  const work = workOf(graph, graph.operators[0]!)!;
  return [work.weightBytes, work.stateBytes, work.activationBytes].map((part) => evaluate(part, {}));
}

test.each<readonly [string, OneOperator, readonly [number, number]]>([
  ["weights once, whatever the batch", { type: "MatMul", inputs: [f(9, 6), w("f32", 6, 5)], outputs: [f(9, 5)] }, [120, 4 * (54 + 45)]],
  [
    "4-bit weights packed, with scales and zero points",
    {
      type: "MatMulNBits",
      domain: MICROSOFT,
      inputs: [f(5, 64), w("u8", 32, 2, 16), w("f16", 64), w("u8", 32)],
      outputs: [f(5, 32)],
      attributes: { K: 64, N: 32, bits: 4, block_size: 32 },
    },
    [32 * 2 * 16 + 128 + 32, 4 * (320 + 160)],
  ],
  ["4-bit elements are half a byte", { type: "DequantizeLinear", inputs: [w("i4", 6, 5), f(5)], outputs: [f(6, 5)] }, [15, 4 * (5 + 30)]],
  ["rows of a table", { type: "Gather", inputs: [w("f16", 1000, 8), ["i64", [2, 3]]], outputs: [["f16", [2, 3, 8]]] }, [96, 8 * 6 + 96]],
  [
    "rows of a packed table with their scales",
    {
      type: "GatherBlockQuantized",
      domain: MICROSOFT,
      inputs: [w("u8", 1000, 32), ["i64", [3]], w("f16", 1000, 2), w("u8", 1000, 1)],
      outputs: [["f16", [3, 64]]],
      attributes: { bits: 4, block_size: 32 },
    },
    [3 * (32 + 2 * 2 + 1), 8 * 3 + 2 * 3 * 64],
  ],
  ["a slice", { type: "Slice", inputs: [f(100, 8)], outputs: [f(2, 8)] }, [0, 4 * 32]],
  ["a view", { type: "Reshape", inputs: [f(100, 8), ["i64", [1]]], outputs: [f(800)] }, [0, 0]],
  ["an operand named twice", { type: "Mul", inputs: [f(10), undefined], outputs: [f(10)] }, [0, 80]],
  [
    "rows of a table of angles",
    {
      type: "RotaryEmbedding",
      domain: MICROSOFT,
      inputs: [f(2, 3, 32), ["i64", [2, 3]], w("f32", 4096, 4), w("f32", 4096, 4)],
      outputs: [f(2, 3, 32)],
    },
    [2 * 4 * 6 * 4, 4 * 192 * 2 + 8 * 6],
  ],
])("reads and writes %s", (_, one, [weights, activations]) => {
  expect(bytes(one)).toEqual([weights, 0, activations]);
});

function inspected(model: Uint8Array, sizes: Bindings = {}): Inspection {
  return inspectGraph(readOnnx(bytesOf(model)).graph, { name: "made", sizes });
}

describe("weights that are dequantised on the way", () => {
  const model = (made: boolean): Uint8Array => {
    const builder = createOnnxBuilder("quantised");
    const x = builder.input("x", "float32", ["batch", 64]);
    const quants = builder.constant("int8", [64, 32], new Uint8Array(2048));
    const scale = builder.constant("float32", [32], bytesOfArray(new Float32Array(32)));
    const zero = (): string => builder.constant("int8", [32], new Uint8Array(32));
    const weights = made
      ? builder.node("Mul", [builder.node("Cast", [quants], { attributes: { to: 1 } }), scale])
      : builder.node("DequantizeLinear", [quants, scale, zero()], { attributes: { axis: 1 } });
    builder.output(builder.node("MatMul", [x, weights]), "float32", ["batch", 32]);
    return builder.build().model;
  };

  it.each([
    [false, 2048 + 128 + 32],
    [true, 2048 + 128],
  ])("are read as they are stored (arithmetic by hand: %s)", (made, stored) => {
    const { phases, parameters, groups } = inspected(model(made), { batch: 3 });
    expect(phases[0]!.total).toMatchObject({ flops: 2 * 3 * 64 * 32, weightBytes: stored, activationBytes: 4 * 3 * (64 + 32) });
    expect(groups.flatMap(({ operators }) => operators.map(({ figures }) => figures[0]!.bytes > 0)).filter(Boolean)).toHaveLength(1);
    // Scales that an operator is known to read as such are not learned.
    expect(parameters.total).toBe(made ? 2048 + 32 : 2048);
  });
});

test("4-bit numbers count one by one, whatever they are packed into", () => {
  const graph = graphOfOne({
    type: "MatMulNBits",
    domain: MICROSOFT,
    inputs: [f("n", 64), w("u8", 32, 2, 16), w("f16", 64)],
    outputs: [f("n", 32)],
    attributes: { K: 64, N: 32, bits: 4, block_size: 32 },
  });
  const found = inspectGraph(graph, { name: "packed", sizes: {} });
  expect(found.parameters.total).toBe(64 * 32);
  expect(found.groups[0]!.parameters).toBe(64 * 32);
  expect(found.weightBytes).toBe(1024 + 128);
  expect(storedInGraph(graph)).toMatchObject({ parameters: 1024 + 64, exact: false });
});

describe("graphs inside operators", () => {
  it("count once a turn; of branches the one that does most", () => {
    const found = inspected(controlModel(), { batch: 3 });
    const turns = found.sizes!.find(({ symbol }) => symbol.startsWith("turns#"))!;
    expect(turns).toMatchObject({ value: 1, basis: "open" });
    const loop = found.groups.flatMap(({ operators }) => operators).find(({ type }) => type === "Loop")!;
    // Identity of a flag moves nothing; the sum reads two and writes one; Identity of the row moves nothing.
    expect(loop.figures[0]!.activationBytes).toBe(4 * 3 * 4 * 3);
    const often = inspected(controlModel(), { batch: 3, [turns.symbol]: 10 });
    expect(often.groups.flatMap(({ operators }) => operators).find(({ type }) => type === "Loop")!.figures[0]!.activationBytes).toBe(
      10 * 4 * 3 * 4 * 3,
    );
    expect(found.unknownWork).toEqual([]);
  });

  it("the larger branch at the sizes of the run", () => {
    const branch = (inner: number): Graph =>
      graphOfOne({ type: "MatMul", inputs: [f("n", inner), w("f32", inner, 4)], outputs: [f("n", 4)] });
    const outer = graphOfOne({ type: "If", inputs: [["bool", []]], outputs: [f("n", 4)] });
    const bodies = [8, 16].map((inner) => ({ role: `of ${inner}`, graph: branch(inner), captures: [] }));
    const graph = { ...outer, operators: [{ ...outer.operators[0]!, bodies }] };
    const found = inspectGraph(graph, { name: "choice", sizes: { n: 5 } });
    expect(found.phases[0]!.total.flops).toBe(2 * 5 * 16 * 4);
    expect(found.parameters.total).toBe(8 * 4 + 16 * 4);
    expect(found.groups[0]!.parameters).toBe(found.parameters.total);
  });
});

describe("turns of a loop", () => {
  const product = graphOfOne({ type: "MatMul", inputs: [f("n", 8), w("f32", 8, 8)], outputs: [f("n", 8)] });
  /** The body reads a weight of the graph around it. */
  const looping = (type: string, more: Partial<OneOperator>): Graph => {
    const outer = graphOfOne({ type, inputs: [f(20, "n", 8), w("f32", 8, 8)], outputs: [f("n", 8)], ...more });
    const inner = {
      ...product,
      tensors: product.tensors.map((tensor, id) => (id === 1 ? { ...tensor, origin: "constant" as const } : tensor)),
    };
    const body = { role: "body", graph: inner, captures: [{ outer: 1, inner: 1 }] };
    return { ...outer, operators: [{ ...outer.operators[0]!, inputs: [0], name: "again", bodies: [body] }] };
  };
  const total = (graph: Graph, sizes: Bindings) => inspectGraph(graph, { name: "loop", sizes: { n: 3, ...sizes } }).phases[0]!.total;
  const [flops, weightBytes] = [2 * 3 * 8 * 8, 4 * 64];

  it("are those of the sequence of a Scan, weights read in each", () => {
    const scan = looping("Scan", { attributes: { num_scan_inputs: 1 } });
    expect(total(scan, {})).toMatchObject({ flops: 20 * flops, weightBytes: 20 * weightBytes });
  });

  it("are 1 unless they are given, where nothing tells them", () => {
    const loop = looping("Loop", { outputs: [] });
    expect(total(loop, {})).toMatchObject({ flops, weightBytes });
    expect(inspectGraph(loop, { name: "loop", sizes: {} }).sizes).toContainEqual({ symbol: "turns(again)", value: 1, basis: "open" });
    expect(total(loop, { "turns(again)": 7 })).toMatchObject({ flops: 7 * flops, weightBytes: 7 * weightBytes });
  });
});

test("a cache is appended in place, and grows with the context", () => {
  const found = inspected(cacheModel(), { batch: 2, tokens: 3, context: 10 });
  expect(found.states).toEqual([
    {
      name: "past_key_values.0.key",
      kind: "kv",
      type: "f32",
      shape: ["batch", "2", "context", "8"],
      bytes: 4 * 2 * 2 * 10 * 8,
      bytesPerToken: 4 * 2 * 2 * 8,
    },
  ]);
  const concat = found.groups.flatMap(({ operators }) => operators).find(({ type }) => type === "Concat")!;
  expect(concat.figures[0]).toMatchObject({ stateBytes: 4 * 2 * 2 * 8 * (7 + 3), activationBytes: 4 * 2 * 2 * 3 * 8 });
  expect(found.state).toMatchObject({ bytesPerToken: 4 * 2 * 8, bytesPerSequence: 4 * 2 * 10 * 8 });
});

test("what has no rule, or no size, is listed and not counted as none", () => {
  const det = graphOfOne({ type: "Det", inputs: [f(3, 3)], outputs: [f()] });
  expect(inspectGraph(det, { name: "det", sizes: {} }).unknownWork).toEqual([{ domain: "onnx", type: "Det", count: 1, reason: "no rule" }]);
  const sum = graphOfOne({ type: "Add", inputs: [f(3), f(3)], outputs: [f(3)] });
  const open = { ...sum, tensors: sum.tensors.map((tensor) => ({ ...tensor, shape: undefined })) };
  expect(inspectGraph(open, { name: "open", sizes: {} }).unknownWork?.[0]?.reason).toBe("sizes not known");
  const shorter = { terms: [...constant(-9).terms, { coefficient: 1, factors: [{ type: "symbol" as const, name: "n" }] }] };
  const below = { ...sum, tensors: sum.tensors.map((tensor) => ({ ...tensor, shape: [shorter] })) };
  expect(inspectGraph(below, { name: "below", sizes: { n: 5 } }).unknownWork?.[0]?.reason).toBe("sizes not possible");
  expect(inspectGraph(below, { name: "above", sizes: { n: 10 } }).unknownWork).toEqual([]);
});

test("sizes that are not given take defaults that the model can have, and are listed", () => {
  const sizesOf = (model: Uint8Array, given: Bindings = {}): unknown =>
    inspected(model, given).sizes!.map(({ symbol, value, basis }) => [symbol, value, basis]);
  expect(sizesOf(mixedModel().model)).toEqual([
    ["batch", 1, "default"],
    ["height", 224, "default"],
  ]);
  expect(sizesOf(mixedModel().model, { height: 64 })).toContainEqual(["height", 64, "given"]);
  expect(sizesOf(functionModel())).toEqual([
    ["batch", 1, "default"],
    ["n", 128, "default"],
  ]);
  expect(sizesOf(cacheModel())).toEqual([
    ["batch", 1, "default"],
    ["tokens", 1, "default"],
    ["context", 4096, "default"],
  ]);
  expect(sizesOf(cacheModel(), { tokens: 7 })).toContainEqual(["context", 7, "default"]);
});

test("every initialiser is counted, data outside the file unread", () => {
  const { model } = mixedModel();
  const stored = storedInGraph(readOnnx(bytesOf(model)).graph);
  // Convolution, two LSTM matrices, the product outside; three lists of sizes with 1, 2 and 1 entries, and k of TopK.
  expect(stored.parameters).toBe(216 + 128 + 64 + 24 + 1 + 2 + 1 + 1);
  expect(inspected(model).parameters.total).toBe(216 + 128 + 64 + 24);
});

test("parts follow the exporter's names, to fewer levels where there are too many; nameless operators make chunks", () => {
  const names = (count: number, depth: string): string[] =>
    Array.from({ length: count }, (_, n) => `/model/layers.${n % 3}/block${depth}${n}/MatMul`);
  const chain = (scopes: readonly string[]): Graph => {
    const one = graphOfOne({ type: "MatMul", inputs: [f("n", 4), w("f32", 4, 4)], outputs: [f("n", 4)] });
    const tensors = [...one.tensors, ...scopes.slice(1).map((_, n) => ({ ...one.tensors[2]!, name: `more${n}` }))];
    const operators = scopes.map((scope, n) => ({
      ...one.operators[0]!,
      name: scope,
      inputs: [n === 0 ? 0 : n === 1 ? 2 : n + 1, 1],
      outputs: [n === 0 ? 2 : n + 2],
      scope: scope.split("/").filter(Boolean).slice(0, -1).join("."),
    }));
    return { ...one, tensors, operators, outputs: [tensors.length - 1] };
  };
  const scopes = (list: readonly string[]): readonly string[] =>
    inspectGraph(chain(list), { name: "chain", sizes: {} }).groups.map(({ scope }) => scope);
  expect(scopes(names(6, ""))).toEqual(["model.layers.*.block*"]);
  const letters = Array.from(
    { length: 60 },
    (_, n) => `/model/layers.${n % 3}/${"abcdefghij"[n % 10]}${"klmnop"[Math.floor(n / 10)]}x/MatMul`,
  );
  expect(scopes(letters)).toEqual(["model.layers.*"]);
  const chunks = inspectGraph(chain(Array.from({ length: 24 }, () => "MatMul")), { name: "chain", sizes: {} }).groups;
  expect(new Set(chunks.map(({ scope }) => scope))).toEqual(new Set(["part.*"]));
  expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(12);
});

test("lengths that are not given are as long as the model needs", () => {
  const sound = (kernel: number): unknown => {
    const builder = createOnnxBuilder("sound");
    const samples = builder.input("samples", "float32", ["batch", 1, "samples"]);
    const filter = builder.weight("filter", "float32", [4, 1, kernel], new Uint8Array(16 * kernel));
    builder.output(builder.node("Conv", [samples, filter]), "float32", ["batch", 4, "frames"]);
    return inspected(builder.build().model).sizes!.find(({ symbol }) => symbol === "samples")?.value;
  };
  expect([100, 400, 5000].map(sound)).toEqual([128, 1024, 16384]);
});

test("of a mixture's experts those are read that some token visits: one token its own two, many nearly all four", () => {
  const expertBytes = 48 * 16 + 4 * 48 + 32 * 24 + 4 * 32;
  const read = (batch: number): number => {
    const { groups } = inspected(quantisedModel(), { batch });
    return groups.flatMap(({ operators }) => operators).find(({ type }) => type === "QMoE")!.figures[0]!.weightBytes;
  };
  expect(read(1)).toBeCloseTo(2 * expertBytes, 6);
  expect(read(2)).toBeCloseTo(4 * (1 - 0.5 ** 2) * expertBytes, 6);
  expect(read(100)).toBeCloseTo(4 * expertBytes, 3);
});

test("weights that a loader unpacks belong to the part that reads them", () => {
  const builder = createOnnxBuilder("unpacked");
  const x = builder.input("x", "float32", ["batch", 16]);
  const sizes = [4, 64];
  const packed = sizes.map((columns, at) => builder.constant("int8", [[16, 4][at]!, columns], new Uint8Array([16, 4][at]! * columns)));
  const weights = packed.map((quants) => builder.node("Cast", [quants], { attributes: { to: 1 } }));
  builder.output(
    weights.reduce((input, weight) => builder.node("MatMul", [input, weight]), x),
    "float32",
    ["batch", 64],
  );
  expect(inspected(builder.build().model).groups.map(({ parameters }) => parameters)).toEqual([16 * 4, 4 * 64]);
});
