import { toHeddleError } from "../../base/heddle-error.ts";
import type { Journal } from "./journal.ts";
import { collectRows, layPoints, lost, openSweepServer, removeSweep } from "./nats-queue.ts";
import { runQueue, type TakenPoint } from "./run-queue.ts";
import type { SweepJob } from "./sweep-job.ts";
import { openThreadPool } from "./thread-pool.ts";

export interface SweepRun {
  readonly job: SweepJob;
  readonly fingerprint: string;
  readonly points: number;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** After each row that is new. */
  readonly onRow: () => void;
}

function missingPoints({ points, journal }: SweepRun): number[] {
  return Array.from({ length: points }, (_none, index) => index).filter((index) => !journal.rows.has(index));
}

/** Runs what the journal lacks on threads of this process. Errors: what no point could be without. */
export async function sweepHere(run: SweepRun, threads: number): Promise<void> {
  const missing = missingPoints(run);
  if (missing.length === 0) return;
  const pool = await openThreadPool(run.job, Math.min(threads, missing.length));
  try {
    const take = async (): Promise<TakenPoint | undefined> => {
      const index = missing.shift();
      if (index === undefined) return undefined;
      return {
        index,
        done: async (row) => {
          if (run.journal.add(row)) run.onRow();
        },
      };
    };
    await runQueue(pool, { take }, run.signal);
  } finally {
    await pool.close();
  }
}

/** Lays what the journal lacks into a queue for workers on any host, and keeps their rows. Errors: `queue-lost`. */
export async function sweepOverNats(run: SweepRun, url: string): Promise<void> {
  const missing = missingPoints(run);
  if (missing.length === 0) return;
  const server = await openSweepServer(url);
  const finished = new AbortController();
  const stop = (): void => finished.abort();
  run.signal.addEventListener("abort", stop, { once: true });
  try {
    await layPoints(server, run.fingerprint, { job: run.job, points: missing });
    const onRow: Parameters<typeof collectRows>[2] = (row) => {
      if (run.journal.add(row)) run.onRow();
      if (run.journal.rows.size === run.points) finished.abort();
    };
    if (!run.signal.aborted) await collectRows(server, run.fingerprint, onRow, finished.signal);
    await removeSweep(server, run.fingerprint);
  } catch (thrown) {
    const error = toHeddleError(thrown);
    throw error.code === "internal" ? lost(url, thrown) : error;
  } finally {
    run.signal.removeEventListener("abort", stop);
    await server.connection.close();
  }
}
