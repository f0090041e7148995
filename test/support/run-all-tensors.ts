/** Runs an ONNX model with every tensor an output, and compares the shapes that come out with those inferred. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { evaluate, symbolsOf } from "../../src/graph/ir/expression.ts";
import type { Graph } from "../../src/graph/ir/graph.ts";
import { ModelProtoSchema, ValueInfoProtoSchema } from "../../src/graph/onnx/generated/onnx_pb.ts";

export interface ShapeScore {
  /** Tensors that operators made in the run. */
  readonly tensors: number;
  /** Inferred and equal; sizes that only a run tells take the value of their first occurrence. */
  readonly agree: number;
  /** Of those that agree, tensors with a size that only a run told. */
  readonly open: number;
  readonly unknown: readonly string[];
  readonly wrong: readonly string[];
}

export interface RunInput {
  readonly model: Uint8Array;
  readonly weights?: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly feeds: Readonly<Record<string, ort.Tensor>>;
}

export interface Ran {
  readonly dims: readonly number[];
  readonly type: string;
}

export async function runAllTensors({ model, weights = [], feeds }: RunInput): Promise<Map<string, Ran>> {
  const proto = fromBinary(ModelProtoSchema, model);
  const graph = proto.graph!;
  const outputs = new Set(graph.output.map(({ name }) => name));
  for (const name of graph.node.flatMap(({ output }) => output)) {
    if (name !== "" && !outputs.has(name)) graph.output.push(create(ValueInfoProtoSchema, { name }));
  }
  const session = await ort.InferenceSession.create(toBinary(ModelProtoSchema, proto), {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    externalData: weights.map(({ path, data }) => ({ path, data })),
  });
  const results = await session.run(feeds);
  await session.release();
  return new Map(Object.entries(results).map(([name, { dims, type }]) => [name, { dims, type }]));
}

export function scoreShapes(graph: Graph, ran: ReadonlyMap<string, Ran>, bindings: Record<string, number>): ShapeScore {
  const values: Record<string, number> = { ...bindings };
  const made = graph.tensors.filter(({ origin, name }) => origin === "activation" && ran.has(name));
  const unknown: string[] = [];
  const wrong: string[] = [];
  let [agree, open] = [0, 0];
  for (const { name, shape, type } of made) {
    const { dims, type: ranType } = ran.get(name)!;
    if (shape === undefined) {
      unknown.push(name);
      continue;
    }
    let told = false;
    let unresolved = false;
    const sizes = shape.map((size, axis) => {
      const missing = symbolsOf(size).filter((each) => !(each in values));
      if (missing.length > 0) told = true;
      if (
        missing.length === 1 &&
        size.terms.length === 1 &&
        size.terms[0]!.coefficient === 1 &&
        size.terms[0]!.factors.length === 1 &&
        size.terms[0]!.factors[0]!.type === "symbol"
      )
        values[missing[0]!] = dims[axis] ?? -1;
      else if (missing.length > 0) {
        unresolved = true;
        return dims[axis];
      }
      return evaluate(size, values);
    });
    if (unresolved) unknown.push(name);
    else if (sizes.length !== dims.length || sizes.some((size, axis) => size !== dims[axis]))
      wrong.push(`${name}: inferred [${sizes}], ran [${dims}]`);
    else if (type !== "unknown" && TYPES[ranType] !== undefined && TYPES[ranType] !== type)
      wrong.push(`${name}: inferred ${type}, ran ${ranType}`);
    else {
      agree++;
      if (told) open++;
    }
  }
  return { tensors: made.length, agree, open, unknown, wrong };
}

const TYPES: Readonly<Record<string, string>> = {
  float32: "f32",
  float64: "f64",
  float16: "f16",
  int64: "i64",
  int32: "i32",
  int16: "i16",
  int8: "i8",
  uint64: "u64",
  uint32: "u32",
  uint16: "u16",
  uint8: "u8",
  bool: "bool",
  string: "string",
};

/** Values for the inputs of a graph at given sizes: small floats, small numbers, ones. */
export function feedsFor(
  graph: Graph,
  bindings: Record<string, number>,
  special: Readonly<Record<string, ort.Tensor>> = {},
): Record<string, ort.Tensor> {
  const feeds: Record<string, ort.Tensor> = {};
  for (const id of graph.inputs) {
    const { name, type, shape } = graph.tensors[id]!;
    const dims = (shape ?? []).map((size) => evaluate(size, bindings));
    const count = dims.reduce((product, size) => product * size, 1);
    feeds[name] = special[name] ?? tensorOf(type, dims, count);
  }
  return feeds;
}

function tensorOf(type: string, dims: readonly number[], count: number): ort.Tensor {
  const numbers = Array.from({ length: count }, (_, i) => i % 7);
  if (type === "i64") return new ort.Tensor("int64", BigInt64Array.from(numbers.map(() => 1n)), dims);
  if (type === "i32") return new ort.Tensor("int32", Int32Array.from(numbers.map(() => 1)), dims);
  if (type === "bool") return new ort.Tensor("bool", Uint8Array.from(numbers.map(() => 1)), dims);
  if (type === "u8") return new ort.Tensor("uint8", Uint8Array.from(numbers), dims);
  if (type === "f64") return new ort.Tensor("float64", Float64Array.from(numbers), dims);
  return new ort.Tensor(
    "float32",
    Float32Array.from(numbers, (n) => (n - 3) / 8),
    dims,
  );
}
