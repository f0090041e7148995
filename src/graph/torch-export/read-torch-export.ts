import type { ByteSource } from "../../base/bytes.ts";
import type { Bindings } from "../ir/expression.ts";
import type { Graph, TensorId } from "../ir/graph.ts";
import { openArchive, type Payload } from "./archive.ts";
import { argumentOf } from "./argument.ts";
import { declaredTensors } from "./declared-tensors.ts";
import { invalid, unsupported } from "./failures.ts";
import { type Fields, fieldsOf, listOf, own, wholeOf } from "./json-fields.ts";
import { type GraphInput, readGraph } from "./read-graph.ts";
import { type InputSpec, inputSpecs, type OutputSpec, outputSpecs } from "./signature.ts";
import { createSizes, type Sizes, type SymbolRange } from "./sizes.ts";
import { checkPayload, type StoredLocation } from "./stored-tensor.ts";

/** An archive of torch.export as a graph, and what belongs to it. */
export interface TorchExportReading {
  readonly graph: Graph;
  /** Where weights and constants lie, for archives that say so (torch 2.8 and later). */
  readonly stored: readonly { readonly tensor: TensorId; readonly location: StoredLocation }[];
  /** Operators without a shape rule: their outputs have the shapes that the archive states. Custom operators are among them. */
  readonly unknown: readonly { readonly domain: string; readonly type: string; readonly count: number }[];
  /** What the symbols of shapes may be. */
  readonly ranges: ReadonlyMap<string, SymbolRange>;
}

export interface TorchExportOptions {
  /** Values of symbols that shapes name, within the ranges of the archive. */
  readonly sizes?: Bindings;
}

/** Schema versions whose fields are those read here. Source: torch/_export/serde/schema.py, SCHEMA_VERSION of torch 2.3 to 2.15. */
const SCHEMAS: readonly number[] = [4, 5, 6, 7, 8];

/**
 * Reads a `.pt2` archive: operators, tensors with symbolic shapes, buffers and inputs that a run changes as states.
 *
 * Model: shapes are those the archive states, checked by our own rules; weights are not read.
 * Errors: `torch-export-invalid` for an archive that is damaged or contradicts itself, `torch-export-unsupported` for other versions and past the limits.
 */
export function readTorchExport(source: ByteSource, options: TorchExportOptions = {}): TorchExportReading {
  const { name, program, payloads } = openArchive(source);
  const version = schemaOf(program);
  const module = fieldsOf(program["graph_module"], "graph_module");
  const json = fieldsOf(module["graph"], "graph");
  const signature = fieldsOf(module["signature"], "signature");
  const sizes = createSizes(program, options.sizes ?? {});
  const specs = inputSpecs(signature);
  checkInputs(json, specs);
  const inputs = inputsOf(json, specs, payloads, sizes);
  const outputs = outputSpecs(signature);
  const { graph, ids, unknown } = readGraph(json, sizes, {
    name,
    source: `torch.export, ${version}`,
    inputs,
    outputs: outputs.map(({ argument }) => argument),
    mutations: mutationsOf(outputs, specs),
    depth: 0,
  });
  const stored = specs.flatMap(({ tensor, target }) => {
    const payload = tensor === undefined ? undefined : payloads.get(target);
    if (payload === undefined || payload.isPickled) return [];
    return [{ tensor: ids.get(tensor!)!, location: { entry: payload.entry.name, byteLength: payload.entry.byteLength } }];
  });
  return { graph, stored, unknown: counted(unknown), ranges: sizes.ranges };
}

function schemaOf(program: Fields): string {
  const version = own(program, "schema_version");
  const fields = version === undefined ? undefined : fieldsOf(version, "schema_version");
  const [major, minor] = ["major", "minor"].map((part) => wholeOf(fields?.[part], "schema_version")) as [number, number];
  if (!SCHEMAS.includes(major)) throw unsupported("schema_version", `${major}.${minor}; ${SCHEMAS[0]} to ${SCHEMAS.at(-1)} are read`);
  const torch = own(program, "torch_version");
  return typeof torch === "string" ? `torch ${torch.slice(0, 40)}` : `schema ${major}.${minor}`;
}

/** Inputs and what the signature says of them stand in one order. */
function checkInputs(json: Fields, specs: readonly InputSpec[]): void {
  const inputs = listOf(json["inputs"], "inputs").map((value, at) => argumentOf(value, `input ${at}`));
  if (inputs.length !== specs.length)
    throw invalid("signature", `${specs.length} inputs are described, and the graph has ${inputs.length}`);
  specs.forEach(({ tensor }, at) => {
    const input = inputs[at]!;
    if (tensor !== undefined && (input.type !== "tensor" || input.name !== tensor)) {
      throw invalid("signature", `input ${at} of the graph is not "${tensor.slice(0, 120)}"`);
    }
  });
}

function inputsOf(json: Fields, specs: readonly InputSpec[], payloads: ReadonlyMap<string, Payload>, sizes: Sizes): readonly GraphInput[] {
  const stated = declaredTensors(json, sizes);
  const holders = new Map<string, string>();
  return specs.flatMap(({ kind, tensor, target }): GraphInput[] => {
    if (tensor === undefined) return [];
    const payload = kind === "user" ? undefined : payloads.get(target);
    const where = `weight ${target.slice(0, 120)}`;
    const fact = payload === undefined ? stated(tensor) : checkPayload(payload, stated(tensor), sizes, where);
    const key = payload === undefined ? undefined : `${kind} ${payload.entry.name} ${JSON.stringify(payload.meta)}`;
    const sameAs = key === undefined ? undefined : holders.get(key);
    if (key !== undefined && sameAs === undefined) holders.set(key, tensor);
    const origin = kind === "parameter" ? "weight" : kind === "user" ? "input" : "constant";
    return [{ name: tensor, label: target, origin, fact, ...(sameAs === undefined ? {} : { sameAs }) }];
  });
}

/** Errors: `torch-export-invalid` where a mutation is of nothing that the graph is given. */
function mutationsOf(outputs: readonly OutputSpec[], specs: readonly InputSpec[]): ReadonlyMap<string, string> {
  const mutations = new Map<string, string>();
  for (const { kind, argument, target } of outputs) {
    if (kind !== "mutation" || argument.type !== "tensor") continue;
    const input = specs.find((spec) => spec.tensor !== undefined && spec.target === target);
    if (input?.tensor === undefined) throw invalid("signature", `"${(target ?? "").slice(0, 120)}" is changed and no input`);
    mutations.set(argument.name, input.tensor);
  }
  return mutations;
}

function counted(names: readonly { readonly domain: string; readonly type: string }[]): TorchExportReading["unknown"] {
  const counts = new Map<string, { domain: string; type: string; count: number }>();
  for (const { domain, type } of names) {
    const key = `${domain}\n${type}`;
    counts.set(key, { domain, type, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
