import { create, toBinary } from "@bufbuild/protobuf";
import { must } from "../../base/assert.ts";
import { numberOfType, ONNX_NAMES } from "../shapes/element-types.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.ts";

/** Element types of tensors heddle writes. */
export type OnnxType = (typeof ONNX_NAMES)[keyof typeof ONNX_NAMES];

const NUMBERS: ReadonlyMap<OnnxType, number> = new Map(
  (Object.keys(ONNX_NAMES) as (keyof typeof ONNX_NAMES)[]).map((type) => [ONNX_NAMES[type], numberOfType(type)]),
);

/** IR version 8 and opset 17 are read by every ONNX Runtime since 1.14. */
const IR_VERSION = 8n;
const OPSET = 17;

/** The name of a value of the graph. */
export type Value = string;
/** Fixed sizes and names of sizes known only at run time. */
export type Dims = readonly (number | string)[];
export type AttributeValue = number | { readonly float: number } | string | readonly number[];

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** `com.microsoft` for operators ONNX Runtime adds. */
  readonly domain?: string;
  /** Number of outputs; 1 when absent. */
  readonly outputs?: number;
  /** Name of the operator, and of its outputs; made up when absent. */
  readonly name?: string;
  readonly outputNames?: readonly string[];
}

/** A finished model: the protobuf without weights, and the weights to hand over beside it as external data. */
export interface OnnxModel {
  readonly model: Uint8Array;
  readonly weights: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Puts an ONNX graph together; values are named as they are made. */
export interface OnnxBuilder {
  /** Version of ONNX's own operators. */
  readonly opset: number;
  input(name: string, type: OnnxType, dims: Dims): Value;
  /** Makes a value an output of the graph, under its own name. */
  output(value: Value, type: OnnxType, dims: Dims): void;
  /** A large constant, kept outside the protobuf. Its bytes are not copied. */
  weight(name: string, type: OnnxType, dims: readonly number[], data: Uint8Array): Value;
  /** A small constant inside the protobuf. */
  constant(type: OnnxType, dims: readonly number[], data: Uint8Array, name?: string): Value;
  node(operator: string, inputs: readonly Value[], options?: NodeOptions): Value;
  /** As `node`, for operators with several outputs. An output that is not wanted has no name. */
  nodeOutputs(operator: string, inputs: readonly Value[], options: NodeOptions & { readonly outputs: number }): Value[];
  build(): OnnxModel;
}

export function createOnnxBuilder(graphName: string, opset = OPSET): OnnxBuilder {
  const nodes: NodeProto[] = [];
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const initializers: TensorProto[] = [];
  const weights: { path: string; data: Uint8Array }[] = [];
  let next = 0;
  const fresh = (prefix: string): Value => `${prefix}_${next++}`;

  const nodeOutputs = (operator: string, ins: readonly Value[], options: NodeOptions & { outputs: number }): Value[] => {
    const names = Array.from({ length: options.outputs }, (_unused, i) => options.outputNames?.[i] ?? fresh(operator));
    const attribute = Object.entries(options.attributes ?? {}).map(([name, value]) => attributeOf(name, value));
    const parts = { opType: operator, name: options.name ?? fresh("n"), input: [...ins], output: names, attribute };
    nodes.push(create(NodeProtoSchema, options.domain === undefined ? parts : { ...parts, domain: options.domain }));
    return names;
  };
  const constant = (type: OnnxType, dims: readonly number[], data: Uint8Array, name = fresh("c")): Value => {
    initializers.push(create(TensorProtoSchema, { name, dataType: numberOf(type), dims: dims.map(BigInt), rawData: data }));
    return name;
  };
  return {
    opset,
    input: (name, type, dims) => {
      inputs.push(valueInfo(name, type, dims));
      return name;
    },
    output: (value, type, dims) => {
      outputs.push(valueInfo(value, type, dims));
    },
    weight: (name, type, dims, data) => {
      const path = `${name}.bin`;
      weights.push({ path, data });
      initializers.push(
        create(TensorProtoSchema, {
          name,
          dataType: numberOf(type),
          dims: dims.map(BigInt),
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: [
            { key: "location", value: path },
            { key: "offset", value: "0" },
            { key: "length", value: String(data.byteLength) },
          ],
        }),
      );
      return name;
    },
    constant,
    node: (operator, ins, options = {}) => nodeOutputs(operator, ins, { ...options, outputs: 1 })[0]!,
    nodeOutputs,
    build: () => ({
      model: toBinary(
        ModelProtoSchema,
        create(ModelProtoSchema, {
          irVersion: IR_VERSION,
          producerName: "heddle",
          opsetImport: [
            { domain: "", version: BigInt(opset) },
            { domain: "com.microsoft", version: 1n },
          ],
          graph: { name: graphName, node: nodes, input: inputs, output: outputs, initializer: initializers },
        }),
      ),
      weights,
    }),
  };
}

/** The bytes of a typed array, without a copy. */
export function bytesOfArray(array: Float32Array | Int8Array | Int32Array | BigInt64Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function numberOf(type: OnnxType): number {
  return must(NUMBERS.get(type), "every type that is written has a number");
}

function valueInfo(name: string, type: OnnxType, dims: Dims): ValueInfoProto {
  const dim = dims.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  const tensorType = { elemType: numberOf(type), shape: { dim } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: tensorType } } });
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) });
  }
  if ("float" in value) return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) });
}
