import { create, toBinary } from "@bufbuild/protobuf";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type ByteSource, bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Bindings } from "../ir/expression.ts";
import type { OnnxModel } from "../onnx/builder.ts";
import { ModelProtoSchema } from "../onnx/generated/onnx_pb.ts";
import { type DecodedModel, decodeModel, readModel } from "../onnx/read-onnx.ts";
import type { Program } from "./program.ts";
import { rememberProgram } from "./program-of.ts";
import { stageOf } from "./stage-model.ts";
import { storedConstants } from "./stored-constants.ts";

export interface OnnxProgramOptions {
  /** Files of external data, by the path the model names; undefined where there is none. */
  readonly files?: (path: string) => ByteSource | undefined;
  /** Instead of the graph's own name. */
  readonly name?: string;
  /** Values of symbols that inputs' shapes name, as `readOnnx` takes them. */
  readonly sizes?: Bindings;
  /** SHA-256 in hex of pieces one after the other; a native one is faster than the portable default. */
  readonly sha256?: (pieces: readonly Uint8Array[]) => string;
}

/**
 * An ONNX model as a program: its graph, and the model of any convex piece of it.
 *
 * Model: nodes keep their operator sets and domains; calls of the model's own functions are replaced by the functions' nodes. Stored tensors are
 * read from the source when a stage is asked for, as views where the source gives views; several stages may hold the same one. Fingerprint and
 * keys are computed when they are first read, because they need every byte.
 * Errors: those of `readOnnx`; `onnx-unsupported` where a function asks for another version of an operator set than the model.
 */
export function onnxProgram(source: ByteSource, options: OnnxProgramOptions = {}): Program {
  const model = decodeModel(source);
  const reading = readModel(model, options.sizes === undefined ? {} : { sizes: options.sizes });
  const { graph } = reading;
  const hash = options.sha256 ?? portableHash;
  const files = { own: source, beside: options.files ?? (() => undefined) };
  const constants = storedConstants(model.graph, files);
  const digests = new Map<string, string>();
  const digestOf = (name: string, data: Uint8Array): string => {
    const known = digests.get(name) ?? hash([data]);
    digests.set(name, known);
    return known;
  };
  const frame = {
    name: options.name ?? graph.name,
    graph,
    nodes: reading.nodes,
    constants,
    files,
    opsetImport: opsetsOf(model),
    irVersion: model.irVersion,
    stated: new Map([...model.graph.valueInfo, ...model.graph.output, ...model.graph.input].map((info) => [info.name, info])),
    hash,
    digestOf,
  };
  let fingerprint: string | undefined;
  return rememberProgram({
    name: frame.name,
    graph,
    get fingerprint() {
      fingerprint ??= hash([
        toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport: frame.opsetImport, graph: model.graph })),
        ...[...constants.keys()].map((name) => {
          const data = constants.get(name)!.bytes();
          return new TextEncoder().encode(data === undefined ? name : digestOf(name, data));
        }),
      ]);
      return fingerprint;
    },
    stage: (operators) => stageOf(frame, operators),
  });
}

/** A model made by `createOnnxBuilder` as a program. */
export function programFromBuilder(model: OnnxModel, options: Omit<OnnxProgramOptions, "files"> = {}): Program {
  const weights = new Map(model.weights.map(({ path, data }) => [path, bytesOf(data)]));
  return onnxProgram(bytesOf(model.model), { ...options, files: (path) => weights.get(path) });
}

/** The model's operator sets and those that only its functions name. */
function opsetsOf({ opsetImport, functions }: DecodedModel): { domain: string; version: bigint }[] {
  const versions = new Map<string, bigint>();
  for (const { domain, version } of opsetImport) versions.set(domain === "ai.onnx" ? "" : domain, version);
  for (const { name, opsetImport: own } of functions) {
    for (const { domain: named, version } of own) {
      const domain = named === "ai.onnx" ? "" : named;
      const known = versions.get(domain) ?? version;
      if (known !== version) {
        const detail = `function ${name.slice(0, 120)} asks for version ${version} of "${domain}", the model for ${known}`;
        throw new HeddleError("onnx-unsupported", { detail });
      }
      versions.set(domain, version);
    }
  }
  return [...versions].map(([domain, version]) => ({ domain, version }));
}

function portableHash(pieces: readonly Uint8Array[]): string {
  const hash = sha256.create();
  for (const piece of pieces) hash.update(piece);
  return bytesToHex(hash.digest());
}
