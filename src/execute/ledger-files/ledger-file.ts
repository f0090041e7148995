import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import type { LedgerSink } from "../../engine/ledger-writer.ts";

/** Frames are handed to the system at least this often, so that a killed process loses no more. Units: ms. */
const FLUSH_MS = 100;
const FLUSH_BYTES = 65_536;

/** A ledger on disk: `<name>.ledger`, further segments `<name>.<n>.ledger`. */
export interface LedgerFile extends LedgerSink {
  flush(): void;
  close(): void;
}

/** Errors: `file-unwritable`. */
export function openLedgerFile(folder: string, name: string): LedgerFile {
  let path = join(folder, `${name}.ledger`);
  let file = attempt(path, () => {
    mkdirSync(folder, { recursive: true });
    return openSync(path, "wx");
  });
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let open = true;
  let begun = false;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pendingBytes === 0 || !open) return;
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    begun = true;
    attempt(path, () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    });
  };
  return {
    write: (frame) => {
      pending.push(frame);
      pendingBytes += frame.length;
      // The header goes out at once: without it nothing that follows can be read.
      if (pendingBytes >= FLUSH_BYTES || !begun) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    beginSegment: (index) => {
      flush();
      closeSync(file);
      path = join(folder, `${name}.${index}.ledger`);
      file = attempt(path, () => openSync(path, "wx"));
      begun = false;
    },
    flush,
    close: () => {
      flush();
      if (open) closeSync(file);
      open = false;
    },
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
