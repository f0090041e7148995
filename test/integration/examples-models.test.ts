/**
 * Goal: a model taken out of a choice between two computes what the choice computes. Method: a small model with an If, whose branches and edits run in
 * ONNX Runtime beside the whole.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { applyEdit } from "../../scripts/onnx-edit.ts";
import { branchOf } from "../../scripts/onnx-from-ort.ts";
import { createOnnxBuilder } from "../../src/graph/onnx/builder.ts";
import {
  AttributeProto_AttributeType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
} from "../../src/graph/onnx/generated/onnx_pb.ts";

it("takes either branch out, and leaves out what it does not need", async () => {
  const model = chooser();
  for (const [branch, takes] of [
    ["then_branch", true],
    ["else_branch", false],
  ] as const) {
    const whole = await run(model, { x: floats([1, 2]), choose: new ort.Tensor("bool", [takes], []) });
    const alone = branchOf(model, branch);
    expect(alone.graph!.input.map(({ name }) => name)).toEqual(["x"]);
    expect(await run(alone, { x: floats([1, 2]) })).toEqual(whole);
  }
  expect(await run(branchOf(model, "then_branch"), { x: floats([1, 2]) })).toEqual({ sum: [11, 12], product: [3, 6] });
  expect(() => branchOf(branchOf(model, "then_branch"), "then_branch")).toThrow("then_branch");
});

it("puts an operator in the place of an input, and drops outputs that are not kept", async () => {
  const model = branchOf(chooser(), "then_branch");
  const builder = createOnnxBuilder("edit");
  const halves = builder.node("Add", [builder.input("left", "float32", [2]), builder.input("right", "float32", [2])]);
  const product = builder.node("Neg", ["product"]);
  builder.output(product, "float32", [2]);
  applyEdit(model.graph!, { builder, replaced: new Map([["x", halves]]), outputs: new Map([[product, "negative"]]), keep: () => false });
  expect(model.graph!.input.map(({ name }) => name)).toEqual(["left", "right"]);
  expect(model.graph!.initializer.map(({ name }) => name)).toEqual(["three"]);
  expect(await run(model, { left: floats([1, 2]), right: floats([3, 4]) })).toEqual({ negative: [-12, -18] });
});

/** With `choose`: x + ten and x · three; without: x - ten and x. */
function chooser(): ModelProto {
  const tensorOf = (name: string, value: number) =>
    create(TensorProtoSchema, { name, dataType: TensorProto_DataType.FLOAT, dims: [1n], floatData: [value] });
  const info = (name: string, elemType: TensorProto_DataType, sizes: readonly bigint[]) => {
    const dim = sizes.map((value) => create(TensorShapeProto_DimensionSchema, { value: { case: "dimValue", value } }));
    return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: { elemType, shape: { dim } } } } });
  };
  const outputs = () => ["sum", "product"].map((name) => info(name, TensorProto_DataType.FLOAT, [2n]));
  const node = (opType: string, input: string[], output: string[]): NodeProto => create(NodeProtoSchema, { opType, input, output });
  const branch = (name: string, nodes: readonly NodeProto[]) => ({
    name,
    type: AttributeProto_AttributeType.GRAPH,
    g: create(GraphProtoSchema, { name, node: [...nodes], initializer: [tensorOf("ten", 10)], output: outputs() }),
  });
  const choice = create(NodeProtoSchema, {
    opType: "If",
    input: ["choose"],
    output: ["sum", "product"],
    attribute: [
      branch("then_branch", [node("Add", ["x", "ten"], ["sum"]), node("Mul", ["x", "three"], ["product"])]),
      branch("else_branch", [node("Sub", ["x", "ten"], ["sum"]), node("Identity", ["x"], ["product"])]),
    ],
  });
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: "", version: 17n }],
    graph: {
      name: "chooser",
      node: [choice],
      initializer: [tensorOf("three", 3)],
      input: [info("x", TensorProto_DataType.FLOAT, [2n]), info("choose", TensorProto_DataType.BOOL, [])],
      output: outputs(),
    },
  });
}

const floats = (values: readonly number[]): ort.Tensor => new ort.Tensor("float32", Float32Array.from(values), [values.length]);

async function run(model: ModelProto, feeds: Readonly<Record<string, ort.Tensor>>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, model), { logSeverityLevel: 3 });
  const outputs = await session.run(feeds);
  return Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}
