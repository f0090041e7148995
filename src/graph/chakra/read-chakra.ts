import type { ByteSource } from "../../base/bytes.ts";
import { createGraphBuilder, type GraphBuilder } from "../ir/build-graph.ts";
import { constant } from "../ir/expression.ts";
import type { AttributeValue, Graph, TensorId } from "../ir/graph.ts";
import { type ChakraNode, COLLECTIVES, NODE_TYPES } from "./chakra-node.ts";
import { invalid, unsupported } from "./failures.ts";
import { ioTensors } from "./io-tensors.ts";
import { inOrder } from "./order-nodes.ts";
import { readMessages } from "./read-messages.ts";
import { readWorkloadJson } from "./workload-json.ts";

/** A Chakra execution trace as a graph. */
export interface ChakraReading {
  readonly graph: Graph;
  /** Compute nodes that do not say how many operations they are. */
  readonly unknown: readonly { readonly domain: string; readonly type: string; readonly count: number }[];
  /** Dependences on nodes that the trace does not hold: traces of a part of a run have them. */
  readonly missingDependences: number;
  /** False where control dependences contradict the data dependences and are left out: in traces of PyTorch they name the call around a node. */
  readonly usesControl: boolean;
}

/** Larger JSON traces are better written as protobuf. */
const MAX_JSON_BYTES = 256 * 1024 * 1024;
/** More tensors than this in the texts of arguments do not occur. */
const MAX_TENSORS = 4_000_000;

/**
 * Reads a Chakra trace (`.et`: protobuf of schema 0.0.4 and later, or a JSON workload graph): what each node did, in an order that its
 * dependences allow.
 *
 * Model: a node is an operator of the domain `chakra`: its operations are `num_ops`, the bytes it moves `tensor_size` (`comm_size` of communication),
 * or the tensors of its arguments where neither is there. A dependence is a tensor without bytes. Durations are attributes, and no costs.
 * Errors: `chakra-invalid`, also for circles; `chakra-unsupported` for other JSON and past the limits.
 */
export function readChakra(source: ByteSource): ChakraReading {
  const isJson = source.byteLength > 0 && startsJson(source);
  if (isJson && source.byteLength > MAX_JSON_BYTES) throw unsupported("the JSON", `${source.byteLength} bytes`);
  const { header, nodes } = isJson
    ? { header: { version: "", attributes: {} }, nodes: readWorkloadJson(source.read(0, source.byteLength)) }
    : readMessages(source);
  const { ordered, missing, usesControl } = inOrder(nodes);
  const schema = header.version || String(header.attributes["schema"] ?? "");
  const builder = createGraphBuilder();
  const state: Building = { builder, done: new Map(), made: new Map(), given: new Map(), tensors: 0 };
  for (const node of ordered) addNode(state, usesControl ? node : { ...node, ctrlDeps: [] });
  const last = [...state.done.values()];
  const graph = builder.build({
    name: "trace",
    source: isJson ? "Chakra trace, JSON" : `Chakra trace${schema === "" ? "" : `, schema ${schema.slice(0, 40)}`}`,
    inputs: [...state.given.values()],
    outputs: last.slice(-1),
  });
  const unknown = ordered.filter(({ type, attributes }) => NODE_TYPES[type] === "COMP" && amount(attributes["num_ops"]) === undefined);
  return {
    graph,
    unknown: unknown.length === 0 ? [] : [{ domain: "chakra", type: "COMP", count: unknown.length }],
    missingDependences: missing,
    usesControl,
  };
}

interface Building {
  readonly builder: GraphBuilder;
  /** What stands for the end of each node. */
  readonly done: Map<string, TensorId>;
  /** Tensors that nodes made, by node and the trace's number. */
  readonly made: Map<string, TensorId>;
  /** Tensors that no node depended on made. */
  readonly given: Map<string, TensorId>;
  tensors: number;
}

function startsJson(source: ByteSource): boolean {
  const start = source.read(0, Math.min(64, source.byteLength));
  const first = start.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  // A header of 123 or 91 bytes begins alike, and goes on with the tag of one of its two fields.
  return (first === 0x7b || first === 0x5b) && !(start[0] === first && (start[1] === 0x0a || start[1] === 0x12) && isHeader(start));
}

/** Whether bytes behind the length are a field whose own length fits: not a line break and blanks. */
function isHeader(start: Uint8Array): boolean {
  return start[2] !== 0x20 && start[2] !== 0x22 && start[2] !== 0x09 && (start[2] ?? 0) < start[0]!;
}

function addNode(state: Building, node: ChakraNode): void {
  const where = `node ${node.id}`;
  const kind = NODE_TYPES[node.type];
  if (kind === undefined || kind === "INVALID") throw invalid(where, `${node.type} is no type of node`);
  const { builder } = state;
  const after = [...new Set([...node.dataDeps, ...node.ctrlDeps])].flatMap((id) => state.done.get(id) ?? []);
  const bytes = amount(node.attributes["tensor_size"]) ?? (kind.startsWith("COMM") ? amount(node.attributes["comm_size"]) : undefined);
  const read = bytes === undefined ? inputsOf(state, node) : [];
  const written =
    bytes === undefined
      ? outputsOf(state, node)
      : [builder.tensor({ name: `${node.id}.data`, type: "u8", shape: [constant(bytes)], origin: "activation" })];
  const end = builder.tensor({ name: `${node.id}.end`, type: "u8", shape: [constant(0)], origin: "activation" });
  builder.operator({
    name: node.name,
    type: kind === "COMM_COLL" ? collectiveOf(node) : kind,
    domain: "chakra",
    inputs: [...read, ...after],
    outputs: [...written, end],
    attributes: { ...node.attributes, id: node.id, start_time_micros: node.startMicros, duration_micros: node.durationMicros },
    accesses: [],
    scope: "",
  });
  state.done.set(node.id, end);
}

function inputsOf(state: Building, node: ChakraNode): readonly TensorId[] {
  const seen = new Set<string>();
  return ioTensors(node.inputs).flatMap(({ id, fact }): readonly TensorId[] => {
    if (seen.has(id)) return [];
    seen.add(id);
    const maker = node.dataDeps.find((before) => state.made.has(`${before} ${id}`));
    const known = maker === undefined ? state.given.get(id) : state.made.get(`${maker} ${id}`);
    if (known !== undefined) return [known];
    const given = counted(state).builder.tensor({ name: `tensor ${id}`, ...fact, origin: "input" });
    state.given.set(id, given);
    return [given];
  });
}

function outputsOf(state: Building, node: ChakraNode): readonly TensorId[] {
  return ioTensors(node.outputs).flatMap(({ id, fact }): readonly TensorId[] => {
    const key = `${node.id} ${id}`;
    if (state.made.has(key)) return [];
    const made = counted(state).builder.tensor({ name: `${node.id}.tensor ${id}`, ...fact, origin: "activation" });
    state.made.set(key, made);
    return [made];
  });
}

function counted(state: Building): Building {
  if (++state.tensors > MAX_TENSORS) throw unsupported("the trace", `more than ${MAX_TENSORS} tensors`);
  return state;
}

/** A count of bytes or operations; traces write whole numbers as several types. */
function amount(value: AttributeValue | undefined): number | undefined {
  const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function collectiveOf({ attributes }: ChakraNode): string {
  const type = attributes["comm_type"];
  if (typeof type === "string") return type;
  return (typeof type === "number" ? COLLECTIVES[type] : undefined) ?? "COMM_COLL";
}
