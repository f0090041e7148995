import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";

/** A folder of public measurements, one subfolder a data set. Errors of its readers: `file-unreadable` naming the path. */
export interface DataFolder {
  readonly path: string;
  has(path: string): boolean;
  text(path: string): string;
  bytes(path: string): Uint8Array;
  /** Paths of files below a folder, sorted. */
  files(folder: string): readonly string[];
}

export function dataFolder(path: string): DataFolder {
  const read = (file: string): Uint8Array => {
    try {
      return readFileSync(join(path, file));
    } catch (cause) {
      throw new HeddleError("file-unreadable", {
        where: join(path, file),
        detail: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    }
  };
  return {
    path,
    has: (file) => existsSync(join(path, file)),
    bytes: read,
    text: (file) => new TextDecoder().decode(read(file)),
    files: (folder) =>
      readdirSync(join(path, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(path).length + 1))
        .sort(),
  };
}
