// Goal: an ONNX file becomes a graph with bodies, functions inlined, states and places of data. Method: small models made here, by hand.
import { describe, expect, it } from "vitest";
import { cacheModel, controlModel, functionModel, mixedModel } from "../../../test/support/tiny-onnx.ts";
import { bytesOf } from "../../base/bytes.ts";
import { textOf } from "../ir/expression.ts";
import type { Graph } from "../ir/graph.ts";
import { bytesOfArray, createOnnxBuilder } from "./builder.ts";
import { readOnnx } from "./read-onnx.ts";

function shapeIn(graph: Graph, name: string): string | undefined {
  return graph.tensors
    .find((tensor) => tensor.name === name)
    ?.shape?.map(textOf)
    .join(",");
}

describe("readOnnx", () => {
  it("keeps graphs inside operators, with what they take from around them", () => {
    const { graph } = readOnnx(bytesOf(controlModel()));
    const [choice, loop] = graph.operators;
    expect(choice?.bodies?.map(({ role }) => role)).toEqual(["then_branch", "else_branch"]);
    const captured = choice!.bodies![0]!.captures[0]!;
    expect(graph.tensors[captured.outer]?.name).toBe("x");
    expect(loop?.bodies?.[0]?.graph.operators.map(({ type }) => type)).toEqual(["Identity", "Add", "Identity"]);
    expect(shapeIn(graph, "last")).toBe("batch,4");
    expect(shapeIn(graph, "rows")).toMatch(/^turns#\d+,batch,4$/);
  });

  it("replaces calls of the model's functions by their operators", () => {
    const { graph } = readOnnx(bytesOf(functionModel()));
    expect(graph.operators.map(({ type, attributes }) => [type, attributes["axis"]])).toEqual([["Concat", 1]]);
    expect(shapeIn(graph, "y")).toBe("batch,2·n");
  });

  it("declares a past and its present as a state", () => {
    const { graph } = readOnnx(bytesOf(cacheModel()));
    expect(graph.states.map(({ name, kind, shape }) => [name, kind, shape.map(textOf).join()])).toEqual([
      ["past_key_values.0.key", "kv", "batch,2,context,8"],
    ]);
    expect(graph.operators[0]?.accesses.map(({ mode }) => mode)).toEqual(["read", "append"]);
    expect(shapeIn(graph, "y")).toBe("batch,2,context,8");
  });

  it("says where data lies without reading it", () => {
    const { graph, stored } = readOnnx(bytesOf(mixedModel().model));
    expect(stored.map(({ tensor, location }) => [graph.tensors[tensor]?.name, location])).toEqual([
      ["w", { file: "w.bin", offset: 0, byteLength: 96, encoding: "raw" }],
    ]);
    const builder = createOnnxBuilder("inline");
    const data = Float32Array.from({ length: 4096 }, (_, i) => i);
    builder.output(
      builder.node("MatMul", [builder.input("x", "float32", ["n", 64]), builder.constant("float32", [64, 64], bytesOfArray(data))]),
      "float32",
      ["n", 64],
    );
    const file = builder.build().model;
    const inside = readOnnx(bytesOf(file)).stored[0]!.location;
    expect(inside).toMatchObject({ file: "", byteLength: 16_384, encoding: "raw" });
    expect(file.subarray(inside.offset, inside.offset + 16_384)).toEqual(bytesOfArray(data));
  });

  it("decides a choice by sizes that are fixed", () => {
    const { graph } = readOnnx(bytesOf(cacheModel()), { sizes: { batch: 3, tokens: 1 } });
    expect(shapeIn(graph, "y")).toBe("3,2,context,8");
  });

  it("counts operators it has no rule for and goes on", () => {
    const builder = createOnnxBuilder("odd");
    const y = builder.node("Wavelet", [builder.input("x", "float32", ["n"])], { domain: "com.example" });
    builder.output(y, "float32", ["n", 2]);
    const { graph, unknown } = readOnnx(bytesOf(builder.build().model));
    expect(unknown).toEqual([{ domain: "com.example", type: "Wavelet", count: 1 }]);
    expect(graph.tensors[graph.outputs[0]!]?.shape?.map(textOf)).toEqual(["n", "2"]);
  });
});
