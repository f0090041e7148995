import { constantOf } from "../ir/expression.ts";
import { type Fact, factOf } from "../shapes/fact.ts";
import type { Call } from "../shapes/rule.ts";
import { ruleOf } from "../shapes/rule-table.ts";
import { isLong } from "../shapes/size-arithmetic.ts";
import { domainOf, type FileReading } from "./file-reading.ts";
import type { GraphProto, NodeProto } from "./generated/onnx_pb.ts";
import { attributesOf } from "./node-attributes.ts";

import { storedTensor } from "./tensor-data.ts";

/** Reads a graph inside a node for inputs like those given. */
export type BodyReader = (role: string, graph: GraphProto, given: readonly Fact[]) => readonly Fact[];

const MAX_DIMENSIONS = 64;

/** What a node's outputs are; `known` tells whether there is a rule for it. Graphs inside it are read either way. */
export function applyRule(
  file: FileReading,
  node: NodeProto,
  place: { readonly inputs: readonly (Fact | undefined)[]; readonly body: BodyReader },
): { outputs: readonly (Fact | undefined)[]; known: boolean } {
  const domain = domainOf(node);
  const rule = ruleOf(domain, node.opType);
  const graphs = new Map(node.attribute.flatMap(({ name, g }) => (g === undefined ? [] : [[name, g] as const])));
  const read = new Set<string>();
  const call: Call = {
    type: node.opType,
    inputs: place.inputs,
    attributes: attributesOf(node),
    outputs: node.output.length,
    opset: file.opsets.get(domain) ?? 1,
    fresh: file.fresh,
    tensor: (name) => {
      const tensor = node.attribute.find((attribute) => attribute.name === name)?.t;
      return tensor === undefined ? undefined : storedTensor(tensor).fact;
    },
    bodyInputs: (role) => graphs.get(role)?.input.length ?? 0,
    body: (role, given) => {
      read.add(role);
      const graph = graphs.get(role);
      return graph === undefined ? [] : place.body(role, graph, given);
    },
  };
  const outputs = rule?.(call).map((fact) => fact && usable(call, fact)) ?? [];
  for (const [role, graph] of graphs) if (!read.has(role)) place.body(role, graph, []);
  return { outputs, known: rule !== undefined };
}

/** A shape that no run can have says that the inputs do not fit; sizes too long to compute with become symbols. */
function usable(call: Call, fact: Fact): Fact {
  const { type, shape } = fact;
  if (shape === undefined) return fact;
  const impossible = shape.some((size) => {
    const known = constantOf(size);
    return known !== undefined && !(Number.isSafeInteger(known) && known >= 0);
  });
  if (impossible || shape.length > MAX_DIMENSIONS) return factOf(type, undefined);
  return shape.some(isLong) ? { ...fact, shape: shape.map((size, axis) => (isLong(size) ? call.fresh(`long_${axis}`) : size)) } : fact;
}
