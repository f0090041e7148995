import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";

/** A folder of public measurements, one subfolder a data set. Errors of its readers: `file-unreadable` naming the path. */
export interface DataFolder {
  readonly path: string;
  has(path: string): boolean;
  text(path: string): string;
  bytes(path: string): Uint8Array;
  /** Errors: `measurements-invalid` naming the path where it is no JSON. */
  json(path: string): unknown;
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
    json: (file) => {
      try {
        return JSON.parse(new TextDecoder().decode(read(file)));
      } catch (cause) {
        if (cause instanceof HeddleError) throw cause;
        throw new HeddleError("measurements-invalid", { where: join(path, file), detail: "it is no JSON", cause });
      }
    },
    files: (folder) =>
      readdirSync(join(path, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(join(path).length + 1))
        .sort(),
  };
}

/** Runs a part's readers, which know files by their paths in the folder or in its data set: what they refuse names the file as the user finds it. */
export async function namingData<T>({ path, has }: DataFolder, set: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || thrown.where?.startsWith(path) === true) throw thrown;
    const { code, where = "", detail, cause } = thrown;
    const inFolder = has(where.split(", ")[0]!);
    throw new HeddleError(code, {
      where: inFolder ? join(path, where) : [join(path, set), where].filter((part) => part !== "").join(", "),
      ...(detail === undefined ? {} : { detail }),
      cause,
    });
  }
}
