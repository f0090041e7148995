import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { cacheFolder } from "../model-store/cache-folder.ts";
import { withLock } from "./with-lock.ts";

/** A full discovery takes half a minute, a model's stages 14 s each, a verification two minutes. Units: ms. */
const WAIT_MAX_MS = 15 * 60_000;

export interface MeasuringOptions {
  readonly signal: AbortSignal;
  /** Told again and again while another process measures. */
  readonly onProgress?: ((share: number, text: string) => void) | undefined;
  /** Longest wait for others; a quarter of an hour where absent. Units: ms. */
  readonly waitMaxMs?: number;
}

/**
 * Runs a measurement while no other process of this user measures this machine: two at once would each find half a machine. `work` has to look first for what
 * the other has written meanwhile.
 *
 * Errors: those of `work`; `machine-busy` naming the process that still measures after the longest wait; `interrupted`; `file-unwritable`.
 */
export async function whileMeasuring<T>(options: MeasuringOptions, work: () => Promise<T>): Promise<T> {
  const { signal, onProgress, waitMaxMs = WAIT_MAX_MS } = options;
  const path = lockPath();
  return withLock(path, work, {
    signal,
    onWait: ({ pid, waitedMs }) => {
      const who = pid === undefined ? "another process" : `process ${pid}`;
      if (waitedMs > waitMaxMs) {
        throw new HeddleError("machine-busy", { where: path, detail: `${who}, after ${Math.round(waitedMs / 1000)} s of waiting` });
      }
      onProgress?.(0, `waiting for ${who}, which measures this machine`);
    },
  });
}

/** Machines that share a cache do not disturb one another's measurements. */
function lockPath(): string {
  const folder = cacheFolder();
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: folder, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  return join(folder, `.measuring-${hostname().replace(/[^\w.-]/g, "_")}.lock`);
}
