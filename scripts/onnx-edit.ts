import { fromBinary } from "@bufbuild/protobuf";
import type { OnnxBuilder, Value } from "../src/graph/onnx/builder.ts";
import { type GraphProto, ModelProtoSchema, type NodeProto } from "../src/graph/onnx/generated/onnx_pb.ts";
import { inOrder, namesRead } from "../src/graph/onnx/order-nodes.ts";

/** What is put into a graph: operators in a builder, values that take the place of others, and names that new outputs get. */
export interface Edit {
  readonly builder: OnnxBuilder;
  readonly replaced: ReadonlyMap<Value, Value>;
  readonly outputs: ReadonlyMap<Value, string>;
  /** Outputs the graph had, by name. */
  readonly keep: (output: string) => boolean;
}

/** Carries an edit out, in place; inputs and operators that no output needs any more are gone. */
export function applyEdit(graph: GraphProto, { builder, replaced, outputs, keep }: Edit): void {
  const added = fromBinary(ModelProtoSchema, builder.build().model).graph!;
  const final = (name: string): string => outputs.get(name) ?? name;
  for (const node of graph.node) node.input = node.input.map((name) => replaced.get(name) ?? name);
  for (const node of added.node) {
    node.input = node.input.map(final);
    node.output = node.output.map(final);
  }
  for (const output of added.output) output.name = final(output.name);
  graph.output = [...graph.output.filter(({ name }) => keep(name)), ...added.output];
  graph.node = [...inOrder([...added.node, ...graph.node])];
  graph.initializer = [...graph.initializer, ...added.initializer];
  graph.input = [...graph.input, ...added.input];
  prune(graph);
}

/** Leaves what the outputs come from, in its order. */
export function prune(graph: GraphProto): void {
  const wanted = new Set(graph.output.map(({ name }) => name));
  graph.node = graph.node
    .toReversed()
    .filter((node) => {
      const isNeeded = node.output.some((name) => wanted.has(name));
      if (isNeeded) for (const name of namesRead(node)) wanted.add(name);
      return isNeeded;
    })
    .reverse();
  const isRead = ({ name }: { readonly name: string }): boolean => wanted.has(name);
  graph.initializer = graph.initializer.filter(isRead);
  graph.input = graph.input.filter(isRead);
}

/** The operators that read a value. */
export function readersOf(graph: GraphProto, value: Value): NodeProto[] {
  return graph.node.filter(({ input }) => input.includes(value));
}
