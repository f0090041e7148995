/** Writes an ONNX model of products as large as asked, piece by piece, so that whoever writes it needs no memory for its weights. */
import { closeSync, openSync, writeSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../src/graph/onnx/generated/onnx_pb.ts";

export interface LargeOnnx {
  /** Square weights, one behind another. */
  readonly layers: number;
  /** Rows and columns of each. */
  readonly width: number;
  /** In the file itself, or said to lie beside it in a file that is not written. */
  readonly data: "inline" | "external";
}

/** Wire tags. Source: onnx.proto: ModelProto.graph 7, GraphProto.initializer 5, TensorProto.raw_data 9; all are length-delimited. */
const GRAPH = (7 << 3) | 2;
const INITIALIZER = (5 << 3) | 2;
const RAW_DATA = (9 << 3) | 2;

/** Parameters of the model written. */
export function writeLargeOnnx(path: string, { layers, width, data }: LargeOnnx): number {
  const byteLength = width * width * Float32Array.BYTES_PER_ELEMENT;
  const names = Array.from({ length: layers }, (_, layer) => `layers.${layer}.weight`);
  const tensors = names.map((name, layer) => headerOf(name, { width, data, offset: layer * byteLength, byteLength }));
  const rawTag = Uint8Array.of(RAW_DATA, ...varint(byteLength));
  const lengths = tensors.map((header) => header.length + (data === "inline" ? rawTag.length + byteLength : 0));
  const rest = graphWithoutWeights(names, width);
  const graphLength = lengths.reduce((sum, length) => sum + 1 + varint(length).length + length, rest.length);
  const descriptor = openSync(path, "w");
  const zeros = new Uint8Array(byteLength);
  try {
    const opsetImport = [{ domain: "", version: 17n }];
    writeSync(descriptor, toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport })));
    writeSync(descriptor, Uint8Array.of(GRAPH, ...varint(graphLength)));
    writeSync(descriptor, rest);
    tensors.forEach((header, layer) => {
      writeSync(descriptor, Uint8Array.of(INITIALIZER, ...varint(lengths[layer]!)));
      writeSync(descriptor, header);
      if (data === "external") return;
      writeSync(descriptor, rawTag);
      writeSync(descriptor, zeros);
    });
  } finally {
    closeSync(descriptor);
  }
  return layers * width * width;
}

function headerOf(name: string, place: { width: number; data: LargeOnnx["data"]; offset: number; byteLength: number }): Uint8Array {
  const shape = { name, dataType: TensorProto_DataType.FLOAT, dims: [place.width, place.width].map(BigInt) };
  const externalData = [
    { key: "location", value: "weights.bin" },
    { key: "offset", value: String(place.offset) },
    { key: "length", value: String(place.byteLength) },
  ];
  const beside = { dataLocation: TensorProto_DataLocation.EXTERNAL, externalData };
  return toBinary(TensorProtoSchema, create(TensorProtoSchema, place.data === "inline" ? shape : { ...shape, ...beside }));
}

function graphWithoutWeights(names: readonly string[], width: number): Uint8Array {
  const end = (name: string) => {
    const dim = [{ value: { case: "dimParam" as const, value: "batch" } }, { value: { case: "dimValue" as const, value: BigInt(width) } }];
    const type = { value: { case: "tensorType" as const, value: { elemType: TensorProto_DataType.FLOAT, shape: { dim } } } };
    return create(ValueInfoProtoSchema, { name, type });
  };
  const node = names.map((weight, layer) =>
    create(NodeProtoSchema, {
      opType: "MatMul",
      name: `/layers.${layer}/MatMul`,
      input: [layer === 0 ? "x" : `y${layer - 1}`, weight],
      output: [`y${layer}`],
    }),
  );
  const last = `y${names.length - 1}`;
  return toBinary(GraphProtoSchema, create(GraphProtoSchema, { name: "large", node, input: [end("x")], output: [end(last)] }));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
