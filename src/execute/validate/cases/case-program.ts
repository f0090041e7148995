import { create, toBinary } from "@bufbuild/protobuf";
import { bytesOf } from "../../../base/bytes.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../../../graph/onnx/generated/onnx_pb.ts";
import { onnxProgram } from "../../../graph/program/onnx-program.ts";
import type { Program } from "../../../graph/program/program.ts";
import { numberOfType } from "../../../graph/shapes/element-types.ts";
import type { HostTensor } from "../../device/tensor.ts";
import type { CaseAttribute, OperatorCase } from "./operator-case.ts";

/** Read by ONNX Runtime since 1.17; operators that later sets changed are taken as they were. */
const OPSET = 20n;
const IR_VERSION = 9n;

/** The program of a case: one operator, its stored inputs inside. */
export function caseProgram(operatorCase: OperatorCase): Program {
  const { operator, domain, attributes, inputs, outputs } = operatorCase;
  const names = inputs.map((input, place) => (input === undefined ? "" : `in${place}`));
  const given = inputs.flatMap((input, place) => (input === undefined ? [] : [{ ...input, name: names[place]! }]));
  const made = Array.from({ length: outputs }, (_, place) => `out${place}`);
  const node = create(NodeProtoSchema, {
    opType: operator,
    domain: domain === "onnx" ? "" : domain,
    name: operator,
    input: names,
    output: made,
    attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
  });
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "heddle",
    opsetImport: [
      { domain: "", version: OPSET },
      { domain: "com.microsoft", version: 1n },
      ...(["onnx", "com.microsoft"].includes(domain) ? [] : [{ domain, version: 1n }]),
    ],
    graph: {
      name: operatorCase.name,
      node: [node],
      input: given
        .filter(({ isStored }) => isStored !== true)
        .map(({ name, tensor, rows, symbols }) => info(name, tensor, symbols ?? (rows === undefined ? {} : { 0: rows }))),
      output: made.map((name) => create(ValueInfoProtoSchema, { name })),
      initializer: given.filter(({ isStored }) => isStored === true).map(({ name, tensor }) => stored(name, tensor)),
    },
  });
  return onnxProgram(bytesOf(toBinary(ModelProtoSchema, model)));
}

/** What a run of the case is given, by port. */
export function caseInputs({ inputs }: OperatorCase): Readonly<Record<string, HostTensor>> {
  return Object.fromEntries(
    inputs.flatMap((input, place) => (input === undefined || input.isStored === true ? [] : [[`in${place}`, input.tensor]])),
  );
}

function info(name: string, { type, dims }: HostTensor, symbols: Readonly<Record<number, string>>) {
  const dim = dims.map((size, axis) => {
    const symbol = symbols[axis];
    return symbol === undefined
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: symbol } };
  });
  const tensorType = { elemType: numberOfType(type), shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
}

function stored(name: string, { type, dims, data }: HostTensor): TensorProto {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return create(TensorProtoSchema, { name, dataType: numberOfType(type), dims: dims.map(BigInt), rawData });
}

function attributeOf(name: string, value: CaseAttribute): AttributeProto {
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) });
}
