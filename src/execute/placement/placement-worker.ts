import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../base/assert.ts";
import {
  partitionConstrained,
  partitionReplicatedConstrained,
  placeForLatencyConstrained,
} from "../../plan/partition/partition-constrained.ts";
import type { PlacementAnswer, PlacementJob } from "./placement-job.ts";

/** Part of the time that goes to the placement itself; the rest says what the constraints cost. */
const MAIN_SHARE = 0.6;

/** Entry of the worker that searches for a placement: the search never yields, so it runs apart from the command that waits for it. */
const { problem, names, constraints, objective, contiguous, replicate, seed, limitMs, moves = Infinity, stop } = workerData as PlacementJob;
const stopped = new Int32Array(stop);
const start = performance.now();
const until = (ms: number) => (): boolean => Atomics.load(stopped, 0) !== 0 || performance.now() - start > ms;
must(parentPort, "a placement worker has a parent").postMessage({
  found: found(),
  tookMs: performance.now() - start,
} satisfies PlacementAnswer);

function found(): PlacementAnswer["found"] {
  const mainMs = constraints.length === 0 ? limitMs : limitMs * MAIN_SHARE;
  const costMs = (limitMs - mainMs) / Math.max(1, constraints.length);
  const costStop = () => until(performance.now() - start + costMs);
  const options = { seed, contiguous, moves, shouldStop: until(mainMs), costMoves: moves, costStop };
  if (objective === "latency") {
    const placed = placeForLatencyConstrained({ problem, names }, constraints, options);
    return placed.ok ? { ok: true, value: { objective, ...placed.value } } : placed;
  }
  if (replicate) {
    const shared = partitionReplicatedConstrained({ problem, names }, constraints, options);
    return shared.ok ? { ok: true, value: { objective, ...shared.value } } : shared;
  }
  const parts = partitionConstrained({ problem, names }, constraints, options);
  return parts.ok ? { ok: true, value: { objective, ...parts.value } } : parts;
}
