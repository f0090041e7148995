import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../base/assert.ts";
import { partition } from "../../plan/partition/partition.ts";
import { placeForLatency } from "../../plan/partition/place-for-latency.ts";
import type { PlacementAnswer, PlacementJob } from "./placement-job.ts";

/** Entry of the worker that searches for a placement: the search never yields, so it runs apart from the command that waits for it. */
const { problem, objective, seed, limitMs, stop } = workerData as PlacementJob;
const stopped = new Int32Array(stop);
const start = performance.now();
const options = { seed, moves: Infinity, shouldStop: () => Atomics.load(stopped, 0) !== 0 || performance.now() - start > limitMs };
must(parentPort, "a placement worker has a parent").postMessage({
  found: found(),
  tookMs: performance.now() - start,
} satisfies PlacementAnswer);

function found(): PlacementAnswer["found"] {
  if (objective === "latency") {
    const placed = placeForLatency(problem, options);
    return placed.ok ? { ok: true, value: { objective, ...placed.value } } : placed;
  }
  const parts = partition(problem, options);
  return parts.ok ? { ok: true, value: { objective, ...parts.value } } : parts;
}
