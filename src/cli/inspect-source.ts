import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import { openFileBytes } from "../execute/file-bytes.ts";
import { INDEX_FILE } from "../execute/model-store/hf-folder.ts";
import { namingFile } from "../execute/naming-file.ts";
import type { Architecture } from "../graph/architecture/architecture.ts";
import { architectureOfGguf } from "../graph/architecture/config/gguf-config.ts";
import { knownArchitecture, knownModelName } from "../graph/architecture/known/known-architecture.ts";
import { readChakra } from "../graph/chakra/read-chakra.ts";
import { readGguf } from "../graph/gguf/read-gguf.ts";
import { shardNames } from "../graph/hf-config/hf-weights.ts";
import { type Bindings, type Expression, symbol } from "../graph/ir/expression.ts";
import type { Graph } from "../graph/ir/graph.ts";
import { sizeNamed } from "../graph/onnx/declared-shapes.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import { readSafetensors } from "../graph/safetensors/read-safetensors.ts";
import { readTorchExport } from "../graph/torch-export/read-torch-export.ts";
import type { SizeRanges } from "../inspect/run-sizes.ts";
import { type StoredWeights, storedInGguf, storedInGraph, storedInSafetensors } from "../inspect/stored-weights.ts";
import { architectureOfFile, unknownModel } from "./config-file.ts";

/** A model to be looked at. */
export type InspectSource = ArchitectureSource | GraphSource;

/** A model whose layers a configuration describes. */
export interface ArchitectureSource {
  readonly kind: "architecture";
  readonly name: string;
  readonly architecture: Architecture;
  /** Undefined where there are no weights, or not all of them. */
  readonly stored: StoredWeights | undefined;
}

/** A file that holds the operators themselves. */
export interface GraphSource {
  readonly kind: "graph";
  readonly name: string;
  readonly graph: Graph;
  /** The graph with some symbols given values, where reading it again tells more: choices that depend on a size. */
  readonly at: (sizes: Bindings) => Graph;
  /** Names the file has for symbols, and what they are called in the graph. */
  readonly symbolOf: (name: string) => Expression;
  /** Values that the file allows symbols. */
  readonly ranges?: SizeRanges;
  readonly stored: StoredWeights | undefined;
}

/** How to open files by what their names end in. */
const OPENERS: Readonly<Record<string, (path: string) => InspectSource>> = {
  ".gguf": gguf,
  ".onnx": onnx,
  ".pt2": torchExport,
  ".et": chakra,
  ".json": configuration,
};

/** Largest configuration: labels of classes make some long, none of 16 MB is known. */
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;

/**
 * Opens a model file, a Hugging Face folder or a config.json; else a model of the catalogue by its name.
 *
 * Errors: `file-unreadable`, `model-not-found` where nothing has that name and its ending is no file's, those of the readers with the path.
 */
export function openInspectSource(path: string): InspectSource {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry?.isDirectory() === true) return folder(path);
  const ending = extname(path).toLowerCase();
  if (Object.hasOwn(OPENERS, ending)) return namingFile(path, () => OPENERS[ending]!(path));
  return entry === undefined ? catalogued(path) : configuration(path);
}

function catalogued(given: string): InspectSource {
  const name = knownModelName(given);
  const architecture = name === undefined ? undefined : knownArchitecture(name);
  if (name === undefined || architecture === undefined) throw unknownModel(given);
  return { kind: "architecture", name, architecture, stored: undefined };
}

function gguf(path: string): InspectSource {
  const bytes = openFileBytes(path);
  try {
    const file = readGguf(bytes);
    return { kind: "architecture", name: basename(path), architecture: architectureOfGguf(file), stored: storedInGguf(file) };
  } finally {
    bytes.close();
  }
}

/** External data beside the file is not opened. */
function onnx(path: string): InspectSource {
  const read = (sizes: Bindings): Graph => {
    const bytes = openFileBytes(path);
    try {
      return namingFile(path, () => readOnnx(bytes, { sizes }).graph);
    } finally {
      bytes.close();
    }
  };
  const graph = read({});
  return { kind: "graph", name: basename(path), graph, at: read, symbolOf: sizeNamed, stored: storedInGraph(graph) };
}

/** An archive states all shapes that PyTorch knows: with sizes for its symbols no more of them become known. */
function torchExport(path: string): InspectSource {
  const bytes = openFileBytes(path);
  try {
    const { graph, ranges } = readTorchExport(bytes);
    return { kind: "graph", name: basename(path), graph, at: () => graph, symbolOf: symbol, ranges, stored: storedInGraph(graph) };
  } finally {
    bytes.close();
  }
}

/** A trace is of one run: it has no sizes left open. */
function chakra(path: string): InspectSource {
  const bytes = openFileBytes(path);
  try {
    const { graph } = readChakra(bytes);
    return { kind: "graph", name: basename(path), graph, at: () => graph, symbolOf: symbol, stored: undefined };
  } finally {
    bytes.close();
  }
}

/** A file called config.json goes by the name of its folder. */
function configuration(path: string): InspectSource {
  const name = basename(path) === "config.json" ? basename(dirname(resolve(path))) : basename(path);
  return { kind: "architecture", name, architecture: architectureOfFile(path, readText(path)), stored: undefined };
}

function folder(path: string): InspectSource {
  const config = join(path, "config.json");
  const architecture = architectureOfFile(config, readText(config));
  const names = existsSync(join(path, INDEX_FILE)) ? shardNames(readText(join(path, INDEX_FILE))) : ["model.safetensors"];
  const whole = names.every((name) => existsSync(join(path, name)));
  return {
    kind: "architecture",
    name: basename(resolve(path)),
    architecture,
    stored: whole ? storedInSafetensors(names.map((name) => header(path, name))) : undefined,
  };
}

function header(path: string, name: string): ReturnType<typeof readSafetensors> {
  const file = join(path, name);
  const bytes = openFileBytes(file);
  try {
    return readSafetensors(bytes, file);
  } finally {
    bytes.close();
  }
}

function readText(path: string): string {
  const bytes = openFileBytes(path);
  try {
    if (bytes.byteLength > MAX_CONFIG_BYTES)
      throw new HeddleError("file-unreadable", { where: path, detail: `${bytes.byteLength} bytes of text` });
    return new TextDecoder().decode(bytes.read(0, bytes.byteLength));
  } finally {
    bytes.close();
  }
}
