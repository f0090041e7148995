import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import type { ByteSource } from "../../base/bytes.ts";
import { onnxProgram } from "../../graph/program/onnx-program.ts";
import type { Program } from "../../graph/program/program.ts";
import { openFileBytes } from "../file-bytes.ts";
import { namingFile } from "../naming-file.ts";

/** An ONNX file as a program, external data beside it. Errors: `file-unreadable`, those of `onnxProgram`, with the path. */
export function openOnnxProgram(path: string): Program {
  const folder = dirname(resolve(path));
  const files = new Map<string, ByteSource>();
  const beside = (name: string): ByteSource | undefined => {
    const file = resolve(folder, name);
    if (!file.startsWith(folder + sep) || !existsSync(file)) return undefined;
    const open = files.get(file) ?? openFileBytes(file);
    files.set(file, open);
    return open;
  };
  const sha256 = (pieces: Iterable<Uint8Array>): string => {
    const hash = createHash("sha256");
    for (const piece of pieces) hash.update(piece);
    return hash.digest("hex");
  };
  return namingFile(path, () => onnxProgram(openFileBytes(path), { files: beside, sha256 }));
}
