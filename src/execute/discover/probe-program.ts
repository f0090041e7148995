import { statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { Graph } from "../../graph/ir/graph.ts";
import { probeDecoder } from "../../graph/lower/probe-decoder.ts";
import { readOnnx } from "../../graph/onnx/read-onnx.ts";
import { ggufModel } from "../../graph/program/gguf-program.ts";
import { rotationTables } from "../drivers/shared/rotations.ts";
import { openFileBytes } from "../file-bytes.ts";
import { openDecoderModel } from "../model-store/open-model.ts";
import { namingFile } from "../naming-file.ts";
import type { ProgramSource } from "../seat/seat-types.ts";

/** What devices are asked about when they are asked about a model. */
export interface ProbeProgram {
  readonly source: ProgramSource;
  readonly graph: Graph;
  /** How often the model has an operator of this name. */
  readonly times: (operator: string) => number;
  /** The whole model as one operator, for libraries that read GGUF files themselves; undefined for other files. */
  readonly whole: ProgramSource | undefined;
}

/** Positions that a probe's rotation tables hold: none is run. */
const POSITIONS = 64;

/**
 * Opens an ONNX file as it is; a GGUF file or a Hugging Face folder as the f32 decoder that heddle lowers it to, one layer standing for all.
 *
 * Errors: `model-unsupported` for what holds no operators that a device could run; those of the readers.
 */
export function openProbe(path: string): ProbeProgram {
  if (extname(path).toLowerCase() === ".onnx") {
    const bytes = openFileBytes(path);
    try {
      return { source: { type: "onnx", path }, graph: namingFile(path, () => readOnnx(bytes).graph), times: () => 1, whole: undefined };
    } finally {
      bytes.close();
    }
  }
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder && extname(path).toLowerCase() !== ".gguf") {
    const detail = "devices are asked about ONNX files, GGUF files and Hugging Face folders with weights";
    throw new HeddleError("model-unsupported", { where: path, detail });
  }
  const decoder = openDecoderModel(path);
  const { model, times } = probeDecoder(decoder, rotationTables(decoder.spec.rope, POSITIONS));
  const files = Object.fromEntries(model.weights.map((weight) => [weight.path, weight.data]));
  const { graph } = readOnnx(bytesOf(model.model));
  return { source: { type: "onnx-bytes", model: model.model, files }, graph, times, whole: wholeOf(decoder) };
}

function wholeOf({ file, fingerprint, spec }: DecoderModel): ProgramSource | undefined {
  if (file === undefined) return undefined;
  const given = { file: resolve(file), fingerprint, spec, contextLimit: POSITIONS, fileBytes: statSync(file).size };
  return { type: "onnx-bytes", model: ggufModel(given).model };
}
