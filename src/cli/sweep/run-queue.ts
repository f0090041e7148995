import type { PointRow } from "../../simulate/sweep/point-row.ts";
import type { ThreadPool } from "./thread-pool.ts";

/** Where points come from and rows go. */
export interface PointQueue {
  /** The next point; undefined when there is none left. */
  take(): Promise<TakenPoint | undefined>;
}

export interface TakenPoint {
  readonly index: number;
  /** Delivers the row. */
  done(row: PointRow): Promise<void>;
}

/** Runs points on all threads until the queue is empty or the signal is aborted; what is under way then is left. */
export async function runQueue(pool: ThreadPool, queue: PointQueue, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const taken = await Promise.race([queue.take(), aborted]);
      if (taken === undefined) return;
      const row = await Promise.race([pool.run(taken.index), aborted]);
      if (row === undefined) return;
      await taken.done(row);
    }
  };
  await Promise.all(Array.from({ length: pool.threads }, lane));
}
