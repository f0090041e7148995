// Goal: a defined graph is the model its calls describe, and a wrong call is one clear error. Method: ONNX Runtime runs what was defined; each kind of
// wrong call is made once.
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import { defineGraph } from "./define-graph.ts";
import type { GraphMaker, GraphValue, RunnableGraph } from "./sdk-types.ts";
import { tensor } from "./tensor.ts";

const weights = tensor([1, 2, 3, 4, 5, 6], [2, 3]);

async function ran({ source }: RunnableGraph, inputs: Record<string, ort.Tensor>): Promise<Record<string, readonly number[]>> {
  if (source.type !== "onnx-bytes") throw new HeddleError("internal");
  const externalData = Object.entries(source.files ?? {}).map(([path, data]) => ({ path, data }));
  const session = await ort.InferenceSession.create(source.model, { externalData });
  const outputs = await session.run(inputs);
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data as Float32Array)]));
}

describe("defineGraph", () => {
  it("makes the model it describes, with names for what goes in and out", async () => {
    const graph = defineGraph("mlp", (g) => {
      const x = g.input("x", "f32", ["batch", 2]);
      const y = g.op("MatMul", [x, g.weight("w", weights)], { name: "product" });
      const [first, rest] = g.ops("Split", [y, g.weight("sizes", tensor([1, 2], [2], "i64"))], 2, { attributes: { axis: 1 } });
      g.output("y", y);
      g.output("first", first!);
      g.output("rest", rest!);
      g.output("again", y);
      g.output("same", x);
    });
    expect(graph.inputs).toEqual([{ name: "x", type: "f32", dims: ["batch", 2] }]);
    expect(graph.outputs.map(({ name, dims }) => [name, dims])).toEqual([
      ["y", ["batch", 3]],
      ["first", ["batch", 1]],
      ["rest", ["batch", 2]],
      ["again", ["batch", 3]],
      ["same", ["batch", 2]],
    ]);
    expect(graph.program.graph.operators.map(({ name }) => name)).toContain("product");
    const outputs = await ran(graph, { x: new ort.Tensor("float32", Float32Array.of(1, 10), [1, 2]) });
    expect(outputs).toEqual({ y: [41, 52, 63], first: [41], rest: [52, 63], again: [41, 52, 63], same: [1, 10] });
  });

  it("carries states as ports of their own", () => {
    const graph = defineGraph("cache", (g) => {
      const rows = g.state("rows", "f32", ["past", 4], { capacity: 100 });
      const sum = g.state("sum", "f32", [4]);
      const x = g.input("x", "f32", ["t", 4]);
      g.append(rows, x);
      g.reduce(sum, g.op("ReduceMean", [x], { attributes: { axes: [0], keepdims: 0 } }));
      g.output("all", g.op("Concat", [rows, x], { attributes: { axis: 0 } }));
    });
    expect(graph.states).toEqual([
      { name: "rows", type: "f32", access: "append", input: "rows", output: "rows.next", dims: [0, 4], capacity: 100 },
      { name: "sum", type: "f32", access: "reduce", output: "sum.next", dims: [4] },
    ]);
    expect([graph.inputs.map(({ name }) => name), graph.outputs.map(({ name }) => name)]).toEqual([["x"], ["all"]]);
  });

  const wrong: [string, (g: GraphMaker) => void, string][] = [
    ["an operator that is not there", (g) => g.op("MatMull", [g.input("x", "f32", [2])]), "no operator MatMull"],
    [
      "a product whose sizes differ",
      (g) => g.op("MatMul", [g.input("x", "f32", ["n", 5]), g.weight("w", weights)], { name: "p" }),
      "p): MatMul does not take f32 [n, 5], f32 [2, 3]",
    ],
    [
      "sizes that do not broadcast",
      (g) => g.op("Add", [g.input("x", "f32", [4]), g.input("y", "f32", [3])]),
      "Add does not take f32 [4], f32 [3]",
    ],
    ["a name twice", (g) => ["x", "x"].map((name) => g.input(name, "f32", [1])), "taken"],
    ["an output named as an input", (g) => g.output("x", g.input("x", "f32", [1])), "taken"],
    ["no output", (g) => void g.input("x", "f32", [1]), "no output"],
    ["a state of another type", (g) => g.write(g.state("s", "f32", [1]), g.input("x", "i64", [1])), "i64 does not go"],
    [
      "a state that is read and added to",
      (g) => {
        const sum = g.state("s", "f32", [1]);
        g.output("y", g.op("Relu", [sum]));
        g.reduce(sum, g.input("x", "f32", [1]));
      },
      "not read in the same run",
    ],
    ["what is no state", (g) => g.write(g.input("x", "f32", [1]), g.input("y", "f32", [1])), "no state"],
  ];
  it.each(wrong)("says what is wrong with %s", (_name, define, message) => {
    expect(() => defineGraph("wrong", define)).toThrow(
      expect.objectContaining({ code: "graph-invalid", message: expect.stringContaining(message) }),
    );
  });

  it("refuses a value of another graph", () => {
    const kept: GraphValue[] = [];
    defineGraph("one", (g) => {
      kept.push(g.input("x", "f32", [1]));
      g.output("y", kept[0]!);
    });
    expect(() => defineGraph("two", (g) => g.op("Relu", kept))).toThrow("value of another graph");
  });

  it("makes tensors of every type and refuses what does not fit", () => {
    expect(tensor([1, 2], [2], "i64").data).toEqual(BigInt64Array.of(1n, 2n));
    expect(tensor(Uint16Array.of(0x3c00), [1], "f16").type).toBe("f16");
    expect(tensor(new Float64Array(3)).type).toBe("f64");
    for (const make of [
      () => tensor([1, 2], [3]),
      () => tensor([1], [1], "f16"),
      () => tensor(new Int8Array(1), [1], "f32"),
      () => tensor([1], [-1]),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: "input-invalid" }));
    }
  });
});
