import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { sha256Of } from "../model-store/file-hash.ts";
import type { SpooledFile } from "./seat-messages.ts";

/** Programs that came as bytes lie in the cache folder under the hash of the list of their files, so they come once. */
export function spoolFolder(cacheFolder: string, key: string): string {
  return join(cacheFolder, "spool", checkedKey(key));
}

export function spoolKey(files: readonly SpooledFile[]): string {
  return createHash("sha256")
    .update(JSON.stringify(files.map(({ name, sha256, bytes }) => [name, sha256, bytes])))
    .digest("hex");
}

/** Receives the files of programs. Errors: `input-invalid` for names that leave the folder; `checksum-mismatch`; `file-unwritable`. */
export interface Spool {
  has(key: string): boolean;
  write(key: string, part: { readonly name: string; readonly offset: number; readonly bytes: Uint8Array }): void;
  /** Checks every file and makes the program usable. */
  finish(key: string, files: readonly SpooledFile[]): Promise<void>;
}

export function createSpool(cacheFolder: string, unique: string): Spool {
  const draft = (key: string): string => `${spoolFolder(cacheFolder, key)}.${unique}.part`;
  return {
    has: (key) => existsSync(spoolFolder(cacheFolder, key)),
    write: (key, { name, offset, bytes }) => {
      const path = join(draft(key), checkedName(name));
      try {
        mkdirSync(dirname(path), { recursive: true });
        const file = openSync(path, existsSync(path) ? "r+" : "w");
        try {
          for (let done = 0; done < bytes.byteLength; ) done += writeSync(file, bytes, done, bytes.byteLength - done, offset + done);
        } finally {
          closeSync(file);
        }
      } catch (cause) {
        throw new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause) });
      }
    },
    finish: async (key, files) => {
      if (spoolKey(files) !== key) throw new HeddleError("checksum-mismatch", { where: "list of files" });
      const folder = spoolFolder(cacheFolder, key);
      if (existsSync(folder)) return rmSync(draft(key), { recursive: true, force: true });
      for (const { name, sha256 } of files) {
        const path = join(draft(key), checkedName(name));
        if (!existsSync(path) || (await sha256Of(path)) !== sha256) {
          rmSync(draft(key), { recursive: true, force: true });
          throw new HeddleError("checksum-mismatch", { where: name, detail: "the file did not arrive whole" });
        }
      }
      try {
        renameSync(draft(key), folder);
      } catch (cause) {
        // Another worker with this cache folder was first.
        if (!existsSync(folder)) throw new HeddleError("file-unwritable", { where: folder, cause });
        rmSync(draft(key), { recursive: true, force: true });
      }
    },
  };
}

function checkedKey(key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new HeddleError("input-invalid", { where: "program", detail: "its key is no SHA-256" });
  return key;
}

function checkedName(name: string): string {
  const plain = normalize(name);
  if (name === "" || isAbsolute(plain) || plain.split(/[\\/]/).includes("..")) {
    throw new HeddleError("input-invalid", { where: name.slice(0, 80), detail: "a file of a program lies in its folder" });
  }
  return plain;
}
