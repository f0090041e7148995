import { setTimeout as pause } from "node:timers/promises";
import { HeddleError } from "../../base/heddle-error.ts";
import { letGo, touch, tryHold } from "./hold-lock.ts";
import { type IsDead, lockWatch, TOUCH_EVERY_MS } from "./lock-death.ts";
import { readLock } from "./lock-owner.ts";

const POLL_MS = 100;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called again and again while another process has the lock, with how long that has been. */
  readonly onWait?: (wait: LockWait) => void;
}

export interface LockWait {
  /** Process that has the lock; `undefined` where it runs elsewhere or does not say. */
  readonly pid: number | undefined;
  /** Units: ms. */
  readonly waitedMs: number;
}

/**
 * Runs `work` while holding a lock file, so that no two processes do it at once. The lock of a process that has ended is taken over by one of those that wait,
 * that of a process on another machine when it has been silent for a minute.
 *
 * Errors: those of `work` and `onWait`; `interrupted` where the signal ends the wait; `file-unwritable`.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const token = await hold(path, options);
  const alive = setInterval(() => quietly(() => touch(path, token)), TOUCH_EVERY_MS).unref();
  try {
    return await work();
  } finally {
    clearInterval(alive);
    quietly(() => letGo(path, token));
  }
}

async function hold(path: string, { signal, onWait }: LockOptions): Promise<string> {
  const isDead = lockWatch(() => performance.now());
  const began = performance.now();
  for (;;) {
    if (signal?.aborted) throw new HeddleError("interrupted");
    const token = attempt(path, isDead);
    if (token !== undefined) return token;
    onWait?.({ pid: readLock(path)?.pid, waitedMs: performance.now() - began });
    await pause(POLL_MS, undefined, signal ? { signal } : {}).catch(() => {});
  }
}

function attempt(path: string, isDead: IsDead): string | undefined {
  try {
    return tryHold(path, isDead);
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}

/** What was done under a lock stays done: a folder that is gone by then is no failure of the work. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {}
}
