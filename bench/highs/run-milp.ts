/** HiGHS in a thread of its own, which can be ended at any time. */
import { Worker } from "node:worker_threads";
import { type MilpAnswer, type MilpOptions, NOTHING_KNOWN } from "./solve-milp.ts";

export interface MilpRun extends MilpOptions {
  readonly signal?: AbortSignal;
  /** Told of every better incumbent and bound. */
  readonly onBetter?: (answer: MilpAnswer) => void;
}

/** Solves LP text; where the signal aborts, the thread is ended and the answer is the best so far. */
export function runMilp(text: string, { signal, onBetter, ...options }: MilpRun): Promise<MilpAnswer> {
  if (signal?.aborted === true) return Promise.resolve(NOTHING_KNOWN);
  const ending = import.meta.url.endsWith(".js") ? "js" : "ts";
  const worker = new Worker(new URL(`./milp-worker.${ending}`, import.meta.url), { workerData: { text, options } });
  return new Promise((resolve, reject) => {
    let best = NOTHING_KNOWN;
    const end = (): void => {
      void worker.terminate().then(() => resolve(best));
    };
    signal?.addEventListener("abort", end, { once: true });
    worker.on("message", ({ last, answer }: { readonly last: boolean; readonly answer: MilpAnswer }) => {
      best = answer;
      if (last) {
        signal?.removeEventListener("abort", end);
        resolve(answer);
      } else onBetter?.(answer);
    });
    worker.on("error", reject);
  });
}
