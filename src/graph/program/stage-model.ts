import { create, toBinary } from "@bufbuild/protobuf";
import { must } from "../../base/assert.ts";
import type { Graph, OperatorId, TensorId } from "../ir/graph.ts";
import type { OnnxModel } from "../onnx/builder.ts";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
} from "../onnx/generated/onnx_pb.ts";
import { tensorInside, withDataInside } from "./inline-data.ts";
import { portInfo } from "./port-info.ts";
import type { Port, StageModel } from "./program.ts";
import { stageBoundary } from "./stage-boundary.ts";
import type { DataFiles } from "./stored-bytes.ts";
import type { StoredConstant } from "./stored-constants.ts";

/** What all stages of a model are made from. */
export interface ProgramFrame {
  readonly name: string;
  readonly graph: Graph;
  /** By operator. */
  readonly nodes: readonly NodeProto[];
  readonly constants: ReadonlyMap<string, StoredConstant>;
  readonly files: DataFiles;
  readonly opsetImport: { domain: string; version: bigint }[];
  readonly irVersion: bigint;
  /** What the file states of tensors, by name. */
  readonly stated: ReadonlyMap<string, ValueInfoProto>;
  hash(pieces: readonly Uint8Array[]): string;
  /** Hash of a stored tensor's data; computed once. */
  digestOf(name: string, data: Uint8Array): string;
}

/** Up to this, data stays inside the protobuf, where runtimes read sizes and axes at load. Units: bytes. */
const INSIDE_BYTES = 2048;
/** Before IR version 4 stored tensors had to be inputs as well. */
const OLDEST_IR_VERSION = 4n;

export function stageOf(frame: ProgramFrame, asked: readonly OperatorId[]): StageModel {
  const { graph } = frame;
  const { operators, stored, inputs, outputs } = stageBoundary(graph, asked);
  const proto = create(GraphProtoSchema, {
    name: frame.name,
    node: operators.map((id) => withDataInside(frame.nodes[id]!, frame.files)),
    input: inputs.map((id) => portInfo(graph.tensors[id]!, frame.stated.get(graph.tensors[id]!.name))),
    output: outputs.map((id) => portInfo(graph.tensors[id]!, frame.stated.get(graph.tensors[id]!.name))),
    valueInfo: statedInside(frame, operators, new Set(outputs)),
  });
  const weights: { path: string; data: Uint8Array; name: string }[] = [];
  let weightBytes = 0;
  for (const id of stored) weightBytes += addStored(frame, graph.tensors[id]!.name, { proto, weights });
  const irVersion = frame.irVersion < OLDEST_IR_VERSION ? OLDEST_IR_VERSION : frame.irVersion;
  const model: OnnxModel = {
    model: toBinary(
      ModelProtoSchema,
      create(ModelProtoSchema, { irVersion, producerName: "heddle", opsetImport: frame.opsetImport, graph: proto }),
    ),
    weights: weights.map(({ path, data }) => ({ path, data })),
  };
  const port = (id: TensorId): Port => {
    const { name, type, shape } = graph.tensors[id]!;
    return { name, tensor: id, type, shape };
  };
  let key: string | undefined;
  return {
    get key() {
      key ??= frame.hash([model.model, ...weights.map(({ name, data }) => new TextEncoder().encode(frame.digestOf(name, data)))]);
      return key;
    },
    name: `${frame.name}[${spans(operators)}]`,
    operators,
    graph,
    inputs: inputs.map(port),
    outputs: outputs.map(port),
    weightBytes,
    model,
  };
}

/** Adds a stored tensor to a stage's graph; gives its bytes. */
function addStored(
  frame: ProgramFrame,
  name: string,
  stage: { readonly proto: GraphProto; readonly weights: { path: string; data: Uint8Array; name: string }[] },
): number {
  const { proto, weights } = stage;
  const constant = must(frame.constants.get(name), "a stored tensor is in its file");
  if (constant.form === "node") {
    proto.node.unshift(constant.node);
    return 0;
  }
  if (constant.form === "sparse") {
    proto.sparseInitializer.push(constant.sparse);
    return constant.bytes()?.byteLength ?? 0;
  }
  const data = constant.bytes();
  if (data === undefined || data.byteLength <= INSIDE_BYTES) {
    proto.initializer.push(tensorInside(constant.tensor, frame.files));
    return data?.byteLength ?? 0;
  }
  const path = `w${weights.length}.bin`;
  weights.push({ path, data, name });
  const place = { location: path, offset: "0", length: String(data.byteLength) };
  proto.initializer.push(
    create(TensorProtoSchema, {
      name,
      dataType: constant.tensor.dataType,
      dims: constant.tensor.dims,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(place).map(([key, value]) => ({ key, value })),
    }),
  );
  return data.byteLength;
}

/** What the file states of tensors made and read inside. */
function statedInside(frame: ProgramFrame, operators: readonly OperatorId[], outputs: ReadonlySet<TensorId>): ValueInfoProto[] {
  return operators
    .flatMap((id) => frame.graph.operators[id]!.outputs)
    .flatMap((id) => {
      const info = id === undefined || outputs.has(id) ? undefined : frame.stated.get(frame.graph.tensors[id]!.name);
      return info === undefined ? [] : [info];
    });
}

/** `0-4,7`. */
function spans(operators: readonly OperatorId[]): string {
  const parts: string[] = [];
  for (let at = 0; at < operators.length; ) {
    let last = at;
    while (operators[last + 1] === operators[last]! + 1) last++;
    parts.push(last === at ? `${operators[at]}` : `${operators[at]}-${operators[last]}`);
    at = last + 1;
  }
  return parts.join(",");
}
