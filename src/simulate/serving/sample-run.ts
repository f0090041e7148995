import { STATE } from "./availability.ts";
import type { ServingSamples } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

/** Samples of a run at even times from its first arrival. */
export interface RunSampler {
  /** Takes those that are due before what happens at `nowNs`. */
  until(nowNs: number): void;
  readonly samples: ServingSamples;
}

/** Samples load and memory of every replica at fixed times; undefined where none are asked for. */
export function runSampler(run: ServingRun): RunSampler | undefined {
  const every = run.input.sampleNs;
  if (every === undefined) return undefined;
  const { replicas } = run;
  const samples = {
    replicas: replicas.length,
    atNs: [] as number[],
    running: [] as number[],
    waiting: [] as number[],
    kvUsed: [] as number[],
    ordered: [] as number[],
    serving: [] as number[],
  };
  let dueNs = -1;
  const take = (atNs: number): void => {
    samples.atNs.push(atNs);
    samples.ordered.push(countOf(run.available.orderedNs, (sinceNs) => sinceNs >= 0));
    samples.serving.push(countOf(run.available.state, (state) => state === STATE.serving || state === STATE.draining));
    for (const { index } of replicas) {
      settleReplica(run, index, atNs, false);
      const { runningCount, waiting, pool } = replicas[index]!;
      samples.running.push(runningCount);
      samples.waiting.push(waiting.size);
      samples.kvUsed.push(pool.capacity === 0 ? 0 : 1 - pool.free / pool.capacity);
    }
  };
  return {
    until: (nowNs) => {
      if (dueNs < 0) dueNs = nowNs + every;
      for (; dueNs <= nowNs; dueNs += every) take(dueNs);
    },
    samples,
  };
}

function countOf(values: Float64Array | Uint8Array, holds: (value: number) => boolean): number {
  let count = 0;
  for (const value of values) if (holds(value)) count += 1;
  return count;
}
