import type { AttributeValue } from "../ir/graph.ts";
import type { ChakraNode } from "./chakra-node.ts";
import { invalid, unsupported } from "./failures.ts";

/** Fields of the JSON form that are not attributes. Source: mlcommons/chakra, src/feeder, JSON workload graphs. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["Id", "Name", "NodeType", "data_deps", "ctrlDeps", "ctrl_deps", "runtime"]);

/** Nodes of a workload graph in JSON. Errors: `chakra-invalid`, `chakra-unsupported` for JSON of another form. */
export function readWorkloadJson(bytes: Uint8Array): readonly ChakraNode[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid("the JSON", cause instanceof Error ? cause.message : String(cause), cause);
  }
  const graph = typeof parsed === "object" && parsed !== null && Object.hasOwn(parsed, "workload_graph") ? parsed : undefined;
  const list = (graph as { workload_graph?: unknown } | undefined)?.workload_graph;
  if (!Array.isArray(list))
    throw unsupported("the JSON", 'it has no list "workload_graph"; host traces of PyTorch have to be converted first');
  return list.map(nodeOf);
}

function nodeOf(value: unknown, at: number): ChakraNode {
  const where = `node ${at}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(where, "it is no object");
  const fields = value as Readonly<Record<string, unknown>>;
  const number = (name: string, absent?: number): number => {
    const found = Object.hasOwn(fields, name) ? fields[name] : absent;
    if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0) throw invalid(where, `${name} is no number`);
    return found;
  };
  const deps = (name: string): readonly string[] => {
    const found = Object.hasOwn(fields, name) ? fields[name] : [];
    if (!Array.isArray(found) || !found.every((id) => Number.isSafeInteger(id) && id >= 0))
      throw invalid(where, `${name} is no list of numbers`);
    return found.map(String);
  };
  const name = fields["Name"] ?? "";
  if (typeof name !== "string") throw invalid(where, "Name is no text");
  const attributes = Object.entries(fields).flatMap(([key, each]): [string, AttributeValue][] =>
    OWN_FIELDS.has(key) || !isAttribute(each) ? [] : [[key, each]],
  );
  return {
    id: String(number("Id")),
    name,
    type: number("NodeType"),
    ctrlDeps: [...deps("ctrlDeps"), ...deps("ctrl_deps")],
    dataDeps: deps("data_deps"),
    startMicros: 0,
    durationMicros: number("runtime", 0),
    inputs: undefined,
    outputs: undefined,
    attributes: Object.fromEntries(attributes),
  };
}

function isAttribute(value: unknown): value is AttributeValue {
  if (Array.isArray(value)) return value.every((each) => typeof each === "number") || value.every((each) => typeof each === "string");
  return ["number", "string", "boolean"].includes(typeof value);
}
