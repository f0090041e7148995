import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import type { ByteSource } from "../../base/bytes.ts";
import { onnxProgram } from "../../graph/program/onnx-program.ts";
import type { Program } from "../../graph/program/program.ts";
import { openFileBytes } from "../file-bytes.ts";

/** An ONNX file as a program, external data beside it. Errors: `file-unreadable`, those of `onnxProgram`. */
export function openOnnxProgram(path: string): Program {
  const folder = dirname(resolve(path));
  const files = new Map<string, ByteSource>();
  return onnxProgram(openFileBytes(path), {
    files: (name) => {
      const file = resolve(folder, name);
      if (!file.startsWith(folder + sep) || !existsSync(file)) return undefined;
      const open = files.get(file) ?? openFileBytes(file);
      files.set(file, open);
      return open;
    },
    sha256: (pieces) => {
      const hash = createHash("sha256");
      for (const piece of pieces) hash.update(piece);
      return hash.digest("hex");
    },
  });
}
