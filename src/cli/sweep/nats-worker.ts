import { setTimeout as sleep } from "node:timers/promises";
import type { JsMsg } from "@nats-io/jetstream";
import { toHeddleError } from "../../base/heddle-error.ts";
import { note } from "../output.ts";
import {
  deliverRow,
  lost,
  type OpenSweep,
  openSweepServer,
  openSweeps,
  POINT_LEASE_MS,
  type SweepServer,
  takePoint,
} from "./nats-queue.ts";
import { runQueue, type TakenPoint } from "./run-queue.ts";
import { openThreadPool } from "./thread-pool.ts";

/** Between two looks for a sweep. Units: ms. */
const LOOK_MS = 500;
/** A queue that gives no point for so long may have been finished by others. Units: ms. */
const EMPTY_MS = 1_000;
const SIGNS_A_LEASE = 3;

export interface WorkerOptions {
  readonly url: string;
  readonly threads: number;
  /** Ends when no sweep has points left, instead of waiting for the next. */
  readonly once: boolean;
  readonly signal: AbortSignal;
}

/** Runs points of the sweeps of a server. Errors: `queue-lost`; what no point could be without, such as another workload under the same name. */
export async function sweepWorker({ url, threads, once, signal }: WorkerOptions): Promise<void> {
  const server = await openSweepServer(url);
  try {
    while (!signal.aborted) {
      const [sweep] = await openSweeps(server);
      if (sweep !== undefined) await work(server, sweep, { threads, signal });
      else if (once) return;
      else await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  } catch (thrown) {
    const error = toHeddleError(thrown);
    throw error.code === "internal" ? lost(url, thrown) : error;
  } finally {
    await server.connection.close();
  }
}

async function work(
  server: SweepServer,
  { fingerprint, job }: OpenSweep,
  { threads, signal }: { readonly threads: number; readonly signal: AbortSignal },
): Promise<void> {
  note(`sweep ${fingerprint.slice(0, 8)}: running points on ${threads} threads`);
  const pool = await openThreadPool(job, threads);
  let alive: NodeJS.Timeout | undefined;
  try {
    let rows = 0;
    const held = new Set<JsMsg>();
    // As long as a point is worked on, it is not given to another.
    alive = setInterval(() => {
      for (const message of held) message.working();
    }, POINT_LEASE_MS / SIGNS_A_LEASE);
    const take = async (): Promise<TakenPoint | undefined> => {
      const message = await takePoint(server, fingerprint, EMPTY_MS);
      if (message === undefined) return undefined;
      held.add(message);
      return {
        index: Number(message.string()),
        done: async (row) => {
          held.delete(message);
          await deliverRow(server, fingerprint, message, row);
          rows++;
        },
      };
    };
    await runQueue(pool, { take }, signal);
    note(`sweep ${fingerprint.slice(0, 8)}: ${rows} points`);
  } finally {
    clearInterval(alive);
    await pool.close();
  }
}
