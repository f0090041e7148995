import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { HeddleError } from "../../base/heddle-error.ts";
import { reasonOf, throwIfInterrupted } from "./attempt-fetch.ts";

const POLL_MS = 200;
/** A lock file without a readable owner is believed this long. Units: ms. */
const EMPTY_LOCK_MS = 5_000;

/**
 * Runs `work` while holding a lock file, so that two processes do not write one download. The lock of a process that has ended is taken over.
 *
 * Errors: `interrupted`, `file-unwritable`.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  while (!tryLock(path)) {
    throwIfInterrupted(signal);
    if (isStale(path)) rmSync(path, { force: true });
    else await pause(POLL_MS, undefined, signal ? { signal } : {}).catch(() => throwIfInterrupted(signal));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    const descriptor = openSync(path, "wx");
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch (cause) {
    if (isCode(cause, "EEXIST")) return false;
    throw new HeddleError("file-unwritable", { where: path, detail: reasonOf(cause), cause });
  }
}

function isStale(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    if (!Number.isInteger(owner) || owner <= 0) return Date.now() - statSync(path).mtimeMs > EMPTY_LOCK_MS;
    process.kill(owner, 0);
    return false;
  } catch (cause) {
    return isCode(cause, "ESRCH");
  }
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && "code" in cause && cause.code === code;
}
