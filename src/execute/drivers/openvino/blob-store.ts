import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compiled graphs in files, each behind the SHA-256 of its bytes. */
export interface BlobStore {
  /** What was stored under a name; undefined where nothing was, or where it is damaged. */
  read(name: string): Uint8Array | undefined;
  /** Stores what `write` puts into a file. A store that cannot be written to keeps nothing, and the graph runs all the same. */
  write(name: string, write: (path: string) => void): void;
}

const SUM_BYTES = 32;

export function blobStore(cacheFolder: string): BlobStore {
  const folder = join(cacheFolder, "openvino-blobs");
  const pathOf = (name: string): string => join(folder, `${createHash("sha256").update(name).digest("hex")}.blob`);
  return {
    read: (name) => {
      let file: Buffer;
      try {
        file = readFileSync(pathOf(name));
      } catch {
        return undefined;
      }
      const blob = file.subarray(SUM_BYTES);
      return blob.byteLength > 0 && sumOf(blob).equals(file.subarray(0, SUM_BYTES)) ? blob : undefined;
    },
    write: (name, write) => {
      const part = `${pathOf(name)}.${randomUUID()}.part`;
      try {
        mkdirSync(folder, { recursive: true });
        write(part);
        const blob = readFileSync(part);
        writeFileSync(part, Buffer.concat([sumOf(blob), blob]));
        renameSync(part, pathOf(name));
      } catch {
        rmSync(part, { force: true });
      }
    },
  };
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
