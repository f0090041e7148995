import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import { HeddleError } from "../base/heddle-error.ts";

/** A file's bytes; `close` when no more is read from it. */
export interface FileBytes extends ByteSource {
  close(): void;
}

/**
 * Opens a regular file for synchronous random access. Every read returns fresh memory of exactly that length.
 *
 * Errors: `file-unreadable`, also when the file shrinks while it is read.
 */
export function openFileBytes(path: string): FileBytes {
  // Opening a named pipe would wait for a writer, so the kind is looked at first.
  const regular = attempt(path, () => statSync(path).isFile());
  if (!regular) throw new HeddleError("file-unreadable", { where: path, detail: "it is not a regular file" });
  const descriptor = attempt(path, () => openSync(path, "r"));
  let open = true;
  return {
    byteLength: attempt(path, () => fstatSync(descriptor).size),
    read: (offset, length) => attempt(path, () => readExactly(path, descriptor, offset, length)),
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

function readExactly(path: string, descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = readSync(descriptor, bytes, done, length - done, offset + done);
    if (count === 0) throw new HeddleError("file-unreadable", { where: path, detail: `it ended at byte ${offset + done}` });
    done += count;
  }
  return bytes;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof HeddleError) throw cause;
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
