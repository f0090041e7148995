import { rotationTables } from "../execute/drivers/shared/rotations.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { lowerSequenceDecoder } from "../graph/lower/sequence-decoder.ts";
import { programFromBuilder } from "../graph/program/onnx-program.ts";
import { portSpec } from "./port-specs.ts";
import type { DecoderGraph, DecoderOptions, GraphState } from "./sdk-types.ts";

/** Tokens of a sequence where neither the caller nor the model asks for fewer: 1 MiB of rotation tables at 64 dimensions a head. */
const CONTEXT_DEFAULT = 4096;

/**
 * A decoder from a GGUF file or a Hugging Face folder, in f32: tokens and their positions in, logits out, keys and values as states of one sequence
 * that are appended to. A prompt and a single token are runs of the same graph. It is cut at the ends of layers.
 *
 * Errors: `file-unreadable`, `gguf-invalid`, `model-unsupported` and others of the readers.
 */
export async function loadDecoder(path: string, options: DecoderOptions = {}): Promise<DecoderGraph> {
  const { spec, weights } = openDecoderModel(path);
  const contextLength = Math.min(options.contextLength ?? CONTEXT_DEFAULT, spec.contextLength);
  const rotations = rotationTables(spec.rope, contextLength);
  const { model, layerEnds } = lowerSequenceDecoder(spec, weights, { rotations, logits: options.logits ?? "last" });
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
