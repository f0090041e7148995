import { HeddleError } from "../../base/heddle-error.ts";
import type { GraphProto, NodeProto } from "./generated/onnx_pb.ts";

/** Names a node reads: its inputs, and what the graphs inside it take from around them. */
export function namesRead(node: NodeProto): Set<string> {
  const names = new Set(node.input.filter((name) => name !== ""));
  for (const { g } of node.attribute) {
    if (g === undefined) continue;
    for (const name of freeNames(g)) names.add(name);
  }
  return names;
}

function freeNames(graph: GraphProto): Set<string> {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const each of graph.sparseInitializer) own.add(each.values?.name ?? "");
  for (const node of graph.node) for (const name of node.output) own.add(name);
  const free = new Set<string>();
  for (const node of graph.node) for (const name of namesRead(node)) if (!own.has(name)) free.add(name);
  for (const { name } of graph.output) if (!own.has(name)) free.add(name);
  return free;
}

/** Nodes behind those they read from; as they stand where the file keeps that order, as the standard asks. Errors: `onnx-invalid` for a circle. */
export function inOrder(nodes: readonly NodeProto[]): readonly NodeProto[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, at) => {
    for (const name of node.output) if (name !== "") maker.set(name, at);
  });
  const needs = nodes.map((node) => [...namesRead(node)].flatMap((name) => maker.get(name) ?? []));
  if (needs.every((list, at) => list.every((before) => before < at))) return nodes;
  const waiting = needs.map((list) => new Set(list).size);
  const readers: number[][] = nodes.map(() => []);
  needs.forEach((list, at) => {
    for (const before of new Set(list)) readers[before]!.push(at);
  });
  const ready = waiting.flatMap((count, at) => (count === 0 ? [at] : []));
  for (let next = 0; next < ready.length; next++) {
    for (const reader of readers[ready[next]!]!) if (--waiting[reader]! === 0) ready.push(reader);
  }
  if (ready.length < nodes.length) {
    const stuck = nodes[waiting.findIndex((count) => count > 0)]!;
    throw new HeddleError("onnx-invalid", {
      where: `node ${stuck.name || stuck.opType}`,
      detail: "nodes read from one another in a circle",
    });
  }
  return ready.map((at) => nodes[at]!);
}
