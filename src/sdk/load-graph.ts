import { statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, resolve } from "node:path";
import { type ByteSource, bytesOf } from "../base/bytes.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { openFileBytes } from "../execute/file-bytes.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { namingFile } from "../execute/naming-file.ts";
import type { ProgramSource } from "../execute/seat/seat-types.ts";
import type { Access, Graph, TensorId } from "../graph/ir/graph.ts";
import { type GgufFile, ggufModel, ggufProgram } from "../graph/program/gguf-program.ts";
import { onnxProgram } from "../graph/program/onnx-program.ts";
import type { Program } from "../graph/program/program.ts";
import { portSpec } from "./port-specs.ts";
import type { GraphState, RunnableGraph } from "./sdk-types.ts";

export interface LoadGraphOptions {
  readonly name?: string;
  /** Longest sequence of a GGUF model, in tokens; 4,096, or what the model allows, where absent. Other models have none. */
  readonly contextLength?: number;
}

const CONTEXT_DEFAULT = 4096;

/**
 * A model as a graph that a rack can run: ONNX from a file (external data beside it) or from bytes, or a GGUF file as one operator, for devices whose
 * boundary is the whole model (`llama`): `tokens` [T] in, `logits` [1, vocabulary] out, and the sequence as a state. `loadDecoder` cuts such a file.
 * A fork copies the state on a device that runs single operators.
 *
 * Inputs and outputs that carry a state from run to run (`past_key_values.…`, `present.…`) are both: a run that names a state does not give them.
 * Errors: `file-unreadable`, `onnx-invalid`, `onnx-unsupported`, `graph-invalid`, `gguf-invalid`, `model-unsupported`.
 */
export async function loadGraph(source: string | Uint8Array, options: LoadGraphOptions = {}): Promise<RunnableGraph> {
  if (typeof source === "string" && /\.gguf$/i.test(source)) return wholeGguf(resolve(source), options);
  if (options.contextLength !== undefined) {
    throw new HeddleError("input-invalid", { where: "contextLength", detail: "an ONNX model says itself how long its sequences are" });
  }
  if (typeof source !== "string") {
    return runnable(onnxProgram(bytesOf(source), options), { type: "onnx-bytes", model: source });
  }
  const path = resolve(source);
  const name = options.name ?? basename(path).replace(/\.onnx$/i, "");
  const program = namingFile(path, () => onnxProgram(openFileBytes(path), { name, files: (file) => beside(path, file) }));
  return runnable(program, { type: "onnx", path });
}

/** The sequence is an opaque state that every run writes anew. */
function wholeGguf(path: string, options: LoadGraphOptions): RunnableGraph {
  const { spec, fingerprint } = openDecoderModel(path);
  const contextLimit = Math.min(options.contextLength ?? CONTEXT_DEFAULT, spec.contextLength);
  const given: GgufFile = { file: path, fingerprint, fileBytes: statSync(path).size, spec, contextLimit };
  const graph = runnable(ggufProgram(given), { type: "onnx-bytes", model: ggufModel(given).model });
  const sequence: GraphState = { name: "sequence", type: "u8", access: "write", input: "sequence", output: "sequence.next", dims: [0] };
  return { ...graph, name: options.name ?? graph.name, states: [sequence] };
}

/** External data lies beside the model; a path that leaves its folder is refused. */
function beside(model: string, file: string): ByteSource | undefined {
  const relative = normalize(file);
  if (isAbsolute(relative) || relative.startsWith("..")) {
    throw new HeddleError("onnx-invalid", {
      where: model,
      detail: `external data at ${JSON.stringify(file)} lies outside the model's folder`,
    });
  }
  const path = join(dirname(model), relative);
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : openFileBytes(path);
}

/** A program as a graph of the programming model. */
export function runnable(program: Program, source: ProgramSource): RunnableGraph {
  const { graph } = program;
  const states = carriedStates(graph);
  const inputs = graph.inputs.map((id) => portSpec(graph, id));
  const outputs = [...new Set(graph.outputs)].map((id) => portSpec(graph, id));
  return { name: program.name, program, source, inputs, outputs, states };
}

/** States whose whole content comes in by an input and goes out by an output, as exporters write caches. */
function carriedStates(graph: Graph): readonly GraphState[] {
  const inputs = new Set(graph.inputs);
  const outputs = new Set(graph.outputs);
  const accesses: (Access & { readonly tensor: TensorId })[] = [];
  for (const operator of graph.operators) {
    for (const access of operator.accesses) if (access.tensor !== undefined) accesses.push({ ...access, tensor: access.tensor });
  }
  return graph.states.flatMap((_state, id): GraphState[] => {
    const input = accesses.find(({ state, tensor }) => state === id && inputs.has(tensor))?.tensor;
    const output = accesses.find(({ state, tensor }) => state === id && outputs.has(tensor))?.tensor;
    if (input === undefined || output === undefined) return [];
    const { name, type, dims } = portSpec(graph, input);
    const start = (dims ?? []).map((size) => (typeof size === "number" ? size : size.includes("past") ? 0 : 1));
    return [{ name, type, access: "write", input: name, output: portSpec(graph, output).name, dims: start }];
  });
}
