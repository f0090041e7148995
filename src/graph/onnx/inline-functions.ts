import { create, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { HeddleError } from "../../base/heddle-error.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
} from "./generated/onnx_pb.ts";

/** Functions may call functions, but not for ever. */
const MAX_DEPTH = 32;

/**
 * Nodes with calls of the model's own functions replaced by the functions' nodes, whose values get the call's name in front.
 *
 * Why: an operator of the graph is then always one that the standard or a runtime defines. Operator sets of functions are taken to be the model's.
 * Errors: `onnx-unsupported` where calls nest without end or make more than `limit` nodes.
 */
export function inlineFunctions(
  nodes: readonly NodeProto[],
  functions: ReadonlyMap<string, FunctionProto>,
  limit: number,
): readonly NodeProto[] {
  if (functions.size === 0) return nodes;
  let made = 0;
  const expand = (list: readonly NodeProto[], depth: number): NodeProto[] =>
    list.flatMap((node) => {
      if (++made > limit || depth > MAX_DEPTH)
        throw new HeddleError("onnx-unsupported", { where: node.name, detail: "functions call one another too often" });
      const body = functions.get(functionKey(node.domain, node.opType));
      if (body !== undefined) return expand(callOf(node, body, `${node.name || node.opType}#${made}/`), depth + 1);
      if (!node.attribute.some(({ g }) => g !== undefined)) return [node];
      const inside = (graph: GraphProto): GraphProto => changed(graph, { node: expand(graph.node, depth + 1) });
      return [
        changed(node, { attribute: node.attribute.map((each) => (each.g === undefined ? each : changed(each, { g: inside(each.g) }))) }),
      ];
    });
  return expand(nodes, 0);
}

export function functionKey(domain: string, name: string): string {
  return `${domain === "ai.onnx" ? "" : domain}|${name}`;
}

/** The function's nodes with the caller's names and attributes. */
function callOf(call: NodeProto, body: FunctionProto, prefix: string): NodeProto[] {
  const names = new Map<string, string>([["", ""]]);
  body.input.forEach((name, at) => {
    names.set(name, call.input[at] ?? "");
  });
  body.output.forEach((name, at) => {
    names.set(name, call.output[at] || `${prefix}${name}`);
  });
  const given = new Map([...defaultsOf(body), ...call.attribute].map((attribute) => [attribute.name, attribute]));
  return body.node.map((node) => renamedNode(node, { name: (name) => names.get(name) ?? `${prefix}${name}`, given, prefix }));
}

/** attribute_proto of FunctionProto: attributes with values for calls that give none. Newer than the vendored onnx.proto. Source: onnx.proto, IR version 9. */
const DEFAULTS_FIELD = 11;

function defaultsOf({ $unknown = [] }: FunctionProto): AttributeProto[] {
  const fields = $unknown.filter(({ no, wireType }) => no === DEFAULTS_FIELD && wireType === WireType.LengthDelimited);
  return fields.map(({ data }) => fromBinary(AttributeProtoSchema, new BinaryReader(data).bytes()));
}

interface Renaming {
  name(name: string): string;
  readonly given: ReadonlyMap<string, AttributeProto>;
  readonly prefix: string;
}

function renamedNode(node: NodeProto, renaming: Renaming): NodeProto {
  return create(NodeProtoSchema, {
    name: `${renaming.prefix}${node.name}`,
    opType: node.opType,
    domain: node.domain,
    input: node.input.map(renaming.name),
    output: node.output.map(renaming.name),
    attribute: node.attribute.flatMap((each) => renamedAttribute(each, renaming)),
  });
}

function renamedAttribute(attribute: AttributeProto, renaming: Renaming): AttributeProto[] {
  if (attribute.refAttrName !== "") {
    const given = renaming.given.get(attribute.refAttrName);
    return given === undefined ? [] : [changed(given, { name: attribute.name })];
  }
  return attribute.g === undefined ? [attribute] : [changed(attribute, { g: renamedGraph(attribute.g, renaming) })];
}

function renamedGraph(graph: GraphProto, renaming: Renaming): GraphProto {
  const info = (each: GraphProto["input"][number]) => changed(each, { name: renaming.name(each.name) });
  return changed(graph, {
    node: graph.node.map((node) => renamedNode(node, renaming)),
    initializer: graph.initializer.map((each) => changed(each, { name: renaming.name(each.name) })),
    sparseInitializer: graph.sparseInitializer.map((each) =>
      each.values === undefined ? each : changed(each, { values: changed(each.values, { name: renaming.name(each.values.name) }) }),
    ),
    input: graph.input.map(info),
    output: graph.output.map(info),
    valueInfo: graph.valueInfo.map(info),
  });
}

/** A message with some fields replaced; its prototype holds the defaults of the others. */
export function changed<T extends object>(message: T, fields: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message, fields);
}
