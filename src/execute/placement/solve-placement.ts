import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { compiledEntry } from "../discover/compiled-entry.ts";
import type { PlacementAnswer, PlacementJob } from "./placement-job.ts";

/** Time between two reports of progress. Units: ms. */
const REPORT_MS = 250;

export interface PlacementRun extends Omit<PlacementJob, "stop"> {
  /** Aborted: the search ends, and the best so far is the answer. */
  readonly signal: AbortSignal;
  /** Milliseconds since the start. */
  readonly onProgress: (ms: number) => void;
}

/** Searches for a placement in a worker, up to a limit of time. */
export async function solvePlacement({ signal, onProgress, ...job }: PlacementRun): Promise<PlacementAnswer> {
  const stop = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const end = (): void => {
    Atomics.store(new Int32Array(stop), 0, 1);
  };
  const start = performance.now();
  const worker = new Worker(compiledEntry("placement/placement-worker"), { workerData: { ...job, stop } satisfies PlacementJob });
  const timer = setInterval(() => onProgress(performance.now() - start), REPORT_MS);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    const [answer] = (await once(worker, "message")) as [PlacementAnswer];
    return answer;
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
    await worker.terminate();
  }
}
