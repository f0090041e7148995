import type { Bindings, Expression } from "../ir/expression.ts";
import type { NodeProto } from "./generated/onnx_pb.ts";

/** What all graphs of a file share. */
export interface FileReading {
  readonly opsets: ReadonlyMap<string, number>;
  readonly source: string;
  /** Sizes of the model's inputs that are fixed, by their symbols. */
  readonly sizes: Bindings;
  fresh(what: string): Expression;
  /** Counts an operator; bodies of loops are read more than once. Errors: `onnx-unsupported` past the limit. */
  count(): void;
}

/** Whose operator a node is, by the graph's names. */
export function domainOf({ domain }: NodeProto): string {
  return domain === "" || domain === "ai.onnx" ? "onnx" : domain;
}
