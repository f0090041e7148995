import { HeddleError } from "../base/heddle-error.ts";
import { rotationTables } from "../execute/drivers/shared/rotations.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { lowerSequenceDecoder } from "../graph/lower/sequence-decoder.ts";
import { lowerTensorParallel } from "../graph/lower/tensor-parallel.ts";
import type { CannotShard } from "../graph/lower/tensor-parallel-weights.ts";
import { programFromBuilder } from "../graph/program/onnx-program.ts";
import { gangGraph } from "./gang-graph.ts";
import { portSpec } from "./port-specs.ts";
import type { DecoderGraph, DecoderOptions, GraphState } from "./sdk-types.ts";

/** Tokens of a sequence where neither the caller nor the model asks for fewer: 1 MiB of rotation tables at 64 dimensions a head. */
const CONTEXT_DEFAULT = 4096;

/**
 * A decoder from a GGUF file or a Hugging Face folder, in f32: tokens and their positions in, logits out, keys and values as states of one sequence
 * that are appended to. A prompt and a single token are runs of the same graph. It is cut at the ends of layers.
 *
 * With `tensorParallel` its runs are gangs: one task on so many devices, which exchange sums twice a layer.
 *
 * Errors: `gang-impossible` where heads or columns do not divide; `file-unreadable`, `gguf-invalid`, `model-unsupported` and others of the readers.
 */
export async function loadDecoder(path: string, options: DecoderOptions = {}): Promise<DecoderGraph> {
  const { spec, weights } = openDecoderModel(path);
  const contextLength = Math.min(options.contextLength ?? CONTEXT_DEFAULT, spec.contextLength);
  const rotations = rotationTables(spec.rope, contextLength);
  const logits = options.logits ?? "last";
  const size = checkedSize(options.tensorParallel ?? 1);
  if (size > 1) {
    const ranks = lowerTensorParallel({ spec, weights }, size, { rotations, logits });
    if (!ranks.ok) throw cannotShard(spec.name, ranks.error);
    const facts = { layers: spec.layers, vocabulary: spec.vocabulary, contextLength };
    return { ...gangGraph({ spec, programs: ranks.value, contextLength, logits }), ...facts };
  }
  const { model, layerEnds } = lowerSequenceDecoder(spec, weights, { rotations, logits });
  const program = programFromBuilder(model, { name: spec.name });
  const states = Array.from({ length: spec.layers }, (_unused, layer) =>
    ["k", "v"].map((kind): GraphState => {
      const name = `${kind}.${layer}`;
      const dims = [0, spec.kvHeads * spec.headDim];
      return { name, type: "f32", access: "append", input: name, output: `${name}.rows`, dims, capacity: contextLength };
    }),
  ).flat();
  return {
    name: spec.name,
    program,
    source: {
      type: "onnx-bytes",
      model: model.model,
      files: Object.fromEntries(model.weights.map(({ path: file, data }) => [file, data])),
    },
    inputs: program.graph.inputs.map((id) => portSpec(program.graph, id)).filter(({ name }) => name === "tokens" || name === "positions"),
    outputs: program.graph.outputs.map((id) => portSpec(program.graph, id)).filter(({ name }) => name === "logits"),
    states,
    cutAfter: layerEnds,
    layers: spec.layers,
    vocabulary: spec.vocabulary,
    contextLength,
  };
}

function checkedSize(size: number): number {
  if (Number.isInteger(size) && size >= 1) return size;
  throw new HeddleError("input-invalid", { where: "tensorParallel", detail: `${size} is no number of devices` });
}

function cannotShard(name: string, { what, count, ranks }: CannotShard): HeddleError {
  return new HeddleError("gang-impossible", { where: name, detail: `its ${count} ${what} do not divide by ${ranks}` });
}
