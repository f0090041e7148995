import { fromBinary } from "@bufbuild/protobuf";
import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { type Bindings, symbol } from "../ir/expression.ts";
import type { Graph } from "../ir/graph.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "./generated/onnx_pb.ts";
import { functionKey, inlineFunctions } from "./inline-functions.ts";
import { type GraphReading, readGraph } from "./read-graph.ts";
import { skim } from "./skim.ts";

/** An ONNX file as a graph, and what belongs to it. */
export interface OnnxReading {
  readonly graph: Graph;
  /** Where the larger stored tensors lie, those of graphs inside operators included. */
  readonly stored: GraphReading["stored"];
  /** Operators without a shape rule: their outputs have the shapes the file states, if any. */
  readonly unknown: readonly UnknownOperator[];
}

export interface OnnxOptions {
  /** Values of symbols that inputs' shapes name. With them a choice that depends on a size is decided, and shapes behind it are known. */
  readonly sizes?: Bindings;
}

export interface UnknownOperator {
  readonly domain: string;
  readonly type: string;
  readonly count: number;
}

/** Before operator set 7 elementwise operators broadcast by other rules. */
const OLDEST_OPSET = 7;
/** Far more operators than models have; bodies of loops count each time they are read. */
const MAX_OPERATORS = 1_000_000;

/**
 * Reads an ONNX model: operators, tensors with symbolic shapes, states that inputs and outputs carry from run to run.
 *
 * Model: data of weights is neither read nor copied, and files of external data are not opened. Calls of the model's own functions are replaced
 * by the functions' operators; graphs inside operators (If, Loop, Scan) stay.
 * Errors: `onnx-invalid` for a damaged file, `onnx-unsupported` for operator sets before 7 and past the limits.
 */
export function readOnnx(source: ByteSource, options: OnnxOptions = {}): OnnxReading {
  const { graph, stored, unknown } = readModel(decodeModel(source), options);
  return { graph, stored, unknown: counted(unknown) };
}

/** A model whose calls of its own functions are replaced, without the data of its weights. */
export interface DecodedModel extends ModelProto {
  readonly graph: GraphProto;
}

/** Errors: `onnx-invalid`, `onnx-unsupported`. */
export function decodeModel(source: ByteSource): DecodedModel {
  const model = decode(skim(source));
  const { graph } = model;
  if (graph === undefined) throw new HeddleError("onnx-invalid", { detail: "it holds no graph" });
  if (model.opsetImport.length === 0) throw new HeddleError("onnx-invalid", { detail: "it names no operator set" });
  const functions = new Map(model.functions.map((each) => [functionKey(each.domain, each.name), each]));
  graph.node = [...inlineFunctions(graph.node, functions, MAX_OPERATORS)];
  return Object.assign(model, { graph });
}

/** Reads a decoded model's graph. Errors: those of `readOnnx`. */
export function readModel(model: DecodedModel, options: OnnxOptions): GraphReading {
  const opsets = new Map(
    model.opsetImport.map(({ domain, version }) => [domain === "ai.onnx" || domain === "" ? "onnx" : domain, Number(version)]),
  );
  const opset = opsets.get("onnx");
  if (opset !== undefined && opset < OLDEST_OPSET)
    throw new HeddleError("onnx-unsupported", { detail: `operator set ${opset}; ${OLDEST_OPSET} is the oldest` });
  let symbols = 0;
  let operators = 0;
  return readGraph(
    {
      opsets,
      sizes: options.sizes ?? {},
      source: `ONNX, opset ${opset ?? 1}`,
      fresh: (what) => symbol(`${what}#${symbols++}`),
      count: () => {
        if (++operators > MAX_OPERATORS) throw new HeddleError("onnx-unsupported", { detail: `more than ${MAX_OPERATORS} operators` });
      },
    },
    model.graph,
  );
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new HeddleError("onnx-invalid", { detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}

function counted(names: readonly string[]): UnknownOperator[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => {
    const [domain = "", type = ""] = name.split("\n");
    return { domain, type, count };
  });
}
