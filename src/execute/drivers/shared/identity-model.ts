import { create, toBinary } from "@bufbuild/protobuf";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import { AttributeProto_AttributeType, ModelProtoSchema } from "../../../graph/onnx/generated/onnx_pb.ts";
import { numberOfType } from "../../../graph/shapes/element-types.ts";
import type { TensorType } from "../../device/tensor.ts";

/** A model of one operator on tensors of one type and any shape: inputs `x0`, `x1` …, output `y`. Runtimes move tensors with them. */
export function one(
  opType: "Relu" | "Identity" | "Concat" | "Add",
  type: TensorType,
  given: { readonly inputs?: number; readonly axis?: number } = {},
): OnnxModel {
  const input = Array.from({ length: given.inputs ?? 1 }, (_, at) => `x${at}`);
  const port = (name: string) => ({ name, type: { value: { case: "tensorType" as const, value: { elemType: numberOfType(type) } } } });
  const attribute = given.axis === undefined ? [] : [{ name: "axis", type: AttributeProto_AttributeType.INT, i: BigInt(given.axis) }];
  const graph = { name: opType, node: [{ opType, input, output: ["y"], attribute }], input: input.map(port), output: [port("y")] };
  const model = create(ModelProtoSchema, { irVersion: 8n, producerName: "heddle", opsetImport: [{ domain: "", version: 17n }], graph });
  return { model: toBinary(ModelProtoSchema, model), weights: [] };
}
