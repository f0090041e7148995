/** A thread that runs points of a sweep: indices in, rows out. What no point could be without ends it, as a message. */
import { parentPort, workerData } from "node:worker_threads";
import { toHeddleError } from "../../base/heddle-error.ts";
import { answeredPoint, pointRunner } from "./run-point.ts";
import type { SweepJob } from "./sweep-job.ts";
import type { ThreadAnswer } from "./thread-pool.ts";

const port = parentPort!;
const answer = (message: ThreadAnswer): void => port.postMessage(message);

try {
  const run = pointRunner(workerData as SweepJob);
  answer({ type: "ready" });
  port.on("message", (index: number) => {
    try {
      answer({ type: "row", row: answeredPoint(run, index) });
    } catch (thrown) {
      answer(failure(thrown));
    }
  });
} catch (thrown) {
  answer(failure(thrown));
}

function failure(thrown: unknown): ThreadAnswer {
  const { code, where, detail } = toHeddleError(thrown);
  return { type: "failed", code, ...(where === undefined ? {} : { where }), ...(detail === undefined ? {} : { detail }) };
}
