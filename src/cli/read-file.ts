import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";
import { namingFile } from "../execute/naming-file.ts";

/** What a reader makes of a file's text; what it refuses names the file. Errors: `file-unreadable`, those of the reader. */
export function parseTextFile<T>(path: string, read: (text: string) => T): T {
  return parseBytesFile(path, (bytes) => read(new TextDecoder().decode(bytes)));
}

/** What a reader makes of a file's bytes; what it refuses names the file. Errors: `file-unreadable`, those of the reader. */
export function parseBytesFile<T>(path: string, read: (bytes: Uint8Array) => T): T {
  const bytes = readBytesFile(path);
  return namingFile(path, () => read(bytes));
}

/** Text that is read further elsewhere. Errors: `file-unreadable`. */
export function readTextFile(path: string): string {
  return new TextDecoder().decode(readBytesFile(path));
}

function readBytesFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
