import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { LedgerSink } from "../../engine/ledger-writer.ts";

/** Frames are handed to the system at least this often, so that a killed process loses no more. Units: ms. */
const FLUSH_MS = 100;
const FLUSH_BYTES = 65_536;
/** Longest ledger of a node, segments together: a ledger is written unasked, and must not fill a disk. Units: bytes. */
const LEDGER_BYTES_MAX = 2_147_483_648;

/** A ledger on disk: `<name>.ledger`, further segments `<name>.<n>.ledger`. */
export interface LedgerFile extends LedgerSink {
  flush(): void;
  close(): void;
}

export interface LedgerFileOptions {
  /** Called once where nothing more can be written; what was written stays, and a replay reads it as that of a run that was killed. */
  readonly onLost: (reason: HeddleError) => void;
  /** Units: bytes. */
  readonly bytesMax?: number;
}

/**
 * A ledger begun in a folder. What goes wrong later, such as a full disk, ends the ledger and not the run that it is of.
 *
 * Errors: `file-unwritable` where it cannot be begun.
 */
export function openLedgerFile(folder: string, name: string, options: LedgerFileOptions): LedgerFile {
  const { onLost, bytesMax = LEDGER_BYTES_MAX } = options;
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
  let written = 0;

  const lose = (reason: HeddleError): void => {
    open = false;
    pending = [];
    pendingBytes = 0;
    closeSync(file);
    onLost(reason);
  };
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (thrown) {
      lose(toHeddleError(thrown));
    }
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pendingBytes === 0 || !open) return;
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    begun = true;
    written += bytes.length;
    guarded(() =>
      attempt(path, () => {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      }),
    );
    if (open && written > bytesMax)
      lose(new HeddleError("file-unwritable", { where: path, detail: `it has ${written} bytes; ${bytesMax} are the most of a ledger` }));
  };
  return {
    write: (frame) => {
      if (!open) return;
      pending.push(frame);
      pendingBytes += frame.length;
      // The header goes out at once: without it nothing that follows can be read.
      if (pendingBytes >= FLUSH_BYTES || !begun) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    beginSegment: (index) => {
      flush();
      if (!open) return;
      guarded(() => {
        const next = join(folder, `${name}.${index}.ledger`);
        const begunFile = attempt(next, () => openSync(next, "wx"));
        closeSync(file);
        file = begunFile;
        path = next;
        begun = false;
      });
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

/** Says that a ledger ended before its run, on standard error unless the program listens to warnings. */
export function warnOfLedger({ message }: HeddleError): void {
  process.emitWarning(`the ledger ends here, the run goes on: ${message}`, { type: "HeddleWarning", code: "file-unwritable" });
}
