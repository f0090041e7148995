import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";

/** Errors: `file-unreadable`. */
export function readTextFile(path: string): string {
  return new TextDecoder().decode(readBytesFile(path));
}

/** Errors: `file-unreadable`. */
export function readBytesFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
