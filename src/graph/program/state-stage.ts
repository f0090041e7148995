import { create, toBinary } from "@bufbuild/protobuf";
import { assert } from "../../base/assert.ts";
import type { AttributeValue, Graph, OperatorId, TensorId } from "../ir/graph.ts";
import type { OnnxModel } from "../onnx/builder.ts";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type ValueInfoProto,
} from "../onnx/generated/onnx_pb.ts";
import { numberOfType } from "../shapes/element-types.ts";
import { declared } from "./port-info.ts";
import type { Port, StageModel } from "./program.ts";
import { STATE_DOMAIN } from "./state-spec.ts";

/** Operators of a state program as a stage. Errors: an assertion where they are not in the graph or not convex. */
export function stateStage(program: { readonly graph: Graph; readonly fingerprint: string }, asked: readonly OperatorId[]): StageModel {
  const { graph, fingerprint } = program;
  const operators = [...new Set(asked)].sort((a, b) => a - b);
  const inside = new Set(operators);
  const made = new Set<TensorId>();
  const read = new Set<TensorId>();
  for (const id of operators) {
    const operator = graph.operators[id];
    assert(operator !== undefined, "a stage's operators are in the graph", { operator: id });
    for (const tensor of operator.inputs) if (tensor !== undefined) read.add(tensor);
    for (const tensor of operator.outputs) if (tensor !== undefined) made.add(tensor);
  }
  const wanted = new Set(graph.outputs.filter((id) => made.has(id)));
  const after = new Set<TensorId>();
  graph.operators.forEach((operator, id) => {
    const back = operator.inputs.some((tensor) => tensor !== undefined && after.has(tensor));
    if (inside.has(id)) {
      assert(!back, "a stage is convex", { operator: id });
      return;
    }
    for (const tensor of operator.inputs) if (tensor !== undefined && made.has(tensor)) wanted.add(tensor);
    const reads = operator.inputs.some((tensor) => tensor !== undefined && made.has(tensor));
    if (reads || back) for (const tensor of operator.outputs) if (tensor !== undefined) after.add(tensor);
  });
  const portOf = (id: TensorId): Port => ({ ...named(graph, id), tensor: id });
  const inputs = [...read]
    .filter((id) => !made.has(id))
    .sort((a, b) => a - b)
    .map(portOf);
  const outputs = [...wanted].sort((a, b) => a - b).map(portOf);
  let model: OnnxModel | undefined;
  return {
    key: `${fingerprint}:${operators.join(",")}`,
    name: graph.name,
    operators,
    graph,
    inputs,
    outputs,
    weightBytes: 0,
    get model() {
      model ??= encoded(graph, operators, { inputs, outputs });
      return model;
    },
  };
}

function named(graph: Graph, id: TensorId): Pick<Port, "name" | "type" | "shape"> {
  const { name, type, shape } = graph.tensors[id]!;
  return { name, type, shape };
}

/** As ONNX, IR version 8, with the operators' own domain. */
function encoded(graph: Graph, operators: readonly OperatorId[], ports: Pick<StageModel, "inputs" | "outputs">): OnnxModel {
  const nameOf = (id: TensorId | undefined): string => (id === undefined ? "" : graph.tensors[id]!.name);
  const node = operators.map((id) => {
    const { name, type, domain, inputs, outputs, attributes } = graph.operators[id]!;
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    return create(NodeProtoSchema, { name, opType: type, domain, input: inputs.map(nameOf), output: outputs.map(nameOf), attribute });
  });
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: "heddle",
    opsetImport: [{ domain: STATE_DOMAIN, version: 1n }],
    graph: { name: graph.name, node, input: ports.inputs.map(infoOf), output: ports.outputs.map(infoOf) },
  });
  return { model: toBinary(ModelProtoSchema, proto), weights: [] };
}

function attributeOf(name: string, value: AttributeValue): ReturnType<typeof create<typeof AttributeProtoSchema>> {
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(String(value)) });
}

function infoOf(port: Port): ValueInfoProto {
  return declared(port, numberOfType(port.type));
}
