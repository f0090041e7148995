import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ErrorCode } from "../../base/error-codes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../../execute/discover/compiled-entry.ts";
import type { PointRow } from "../../simulate/sweep/point-row.ts";
import type { SweepJob } from "./sweep-job.ts";

/** What a thread of a sweep says. */
export type ThreadAnswer =
  | { readonly type: "ready" }
  | { readonly type: "row"; readonly row: PointRow }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly where?: string; readonly detail?: string };

/** Threads that run points of one sweep. */
export interface ThreadPool {
  readonly threads: number;
  /** Runs a point on a thread that is free; at most `threads` at once. Errors: what no point could be without; `internal` where a thread dies. */
  run(index: number): Promise<PointRow>;
  close(): Promise<void>;
}

/** Starts threads for a sweep. Errors: as `run`, where a thread cannot begin. */
export async function openThreadPool(job: SweepJob, threads: number): Promise<ThreadPool> {
  const workers = Array.from({ length: threads }, () => new Worker(compiledEntry("../cli/sweep/sweep-thread"), { workerData: job }));
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  try {
    await Promise.all(workers.map(async (worker) => refuse(await next(worker))));
  } catch (thrown) {
    await close();
    throw thrown;
  }
  const free = [...workers];
  const waiting: ((worker: Worker) => void)[] = [];
  const release = (worker: Worker): void => {
    const waiter = waiting.shift();
    if (waiter === undefined) free.push(worker);
    else waiter(worker);
  };
  return {
    threads,
    close,
    run: async (index) => {
      const worker = free.pop() ?? (await new Promise<Worker>((resolve) => waiting.push(resolve)));
      const answer = next(worker);
      worker.postMessage(index);
      const row = refuse(await answer);
      release(worker);
      return row!;
    },
  };
}

/** The next message of a thread, or its end. */
async function next(worker: Worker): Promise<ThreadAnswer> {
  const ended = new AbortController();
  const message = once(worker, "message", { signal: ended.signal }).then(([answer]) => answer as ThreadAnswer);
  const exit = once(worker, "exit", { signal: ended.signal }).then(
    ([code]): ThreadAnswer => ({ type: "failed", code: "internal", detail: `a thread of the sweep ended with ${code}` }),
  );
  const answer = await Promise.race([message, exit]);
  for (const each of [message, exit]) each.catch(() => {});
  ended.abort();
  return answer;
}

function refuse(answer: ThreadAnswer): PointRow | undefined {
  if (answer.type === "row") return answer.row;
  if (answer.type === "ready") return undefined;
  const { code, where, detail } = answer;
  throw new HeddleError(code, { ...(where === undefined ? {} : { where }), ...(detail === undefined ? {} : { detail }) });
}
