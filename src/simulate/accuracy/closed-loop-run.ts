import { assert } from "../../base/assert.ts";
import { counterFloat } from "../../base/prng.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { runServing } from "../serving/run-serving.ts";
import type { RequestColumns } from "../serving/serving-input.ts";

/** Clients that each send the next request when the last one has ended, all beginning at once, as serving benchmarks do. */
export interface ClosedLoopRun {
  readonly cost: IterationCost;
  readonly rules: SchedulingRules;
  readonly kvBlocks: number;
  readonly blockTokens: number;
  readonly clients: number;
  readonly requests: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Lengths are drawn evenly from this share of the stated ones up to them; 1: all equal. */
  readonly leastShare: number;
  readonly seed: number;
}

/** Means over all requests, as benchmarks report them. Units: ns. */
export interface ClosedLoopMeans {
  readonly ttftNs: number;
  /** Of requests with at least two output tokens: time after the first token over tokens after it. */
  readonly tpotNs: number;
  readonly outputTokensPerSecond: number;
  readonly iterations: number;
}

/** Runs a closed loop in virtual time. Complexity: that of the serving run. */
export function runClosedLoop(run: ClosedLoopRun): ClosedLoopMeans {
  assert(run.clients >= 1 && run.requests >= 1, "a closed loop has clients and requests", { clients: run.clients, requests: run.requests });
  const requests = requestsOf(run);
  const { rules } = run;
  const { maxBatchedTokens, maxSequences, prefixCaching, chunkedPrefill } = rules;
  const outcome = runServing({
    requests,
    replicas: [
      {
        pool: 0,
        role: "both",
        cost: run.cost,
        rules,
        ...{ maxBatchedTokens, maxSequences, prefixCaching, chunkedPrefill },
        blockTokens: run.blockTokens,
        kvBlocks: run.kvBlocks,
        overheadNs: 0,
        startUpNs: 0,
      },
    ],
    routing: "round-robin",
    seed: run.seed,
    stepping: "leap",
  });
  let ttft = 0;
  let tpot = 0;
  let several = 0;
  let tokens = 0;
  for (let i = 0; i < requests.count; i++) {
    const outputs = requests.outputTokens[i]!;
    const first = outcome.firstTokenNs[i]!;
    ttft += first - outcome.queuedNs[i]!;
    tokens += outputs;
    if (outputs < 2) continue;
    several += 1;
    tpot += (outcome.lastTokenNs[i]! - first) / (outputs - 1);
  }
  return {
    ttftNs: ttft / requests.count,
    tpotNs: several > 0 ? tpot / several : 0,
    outputTokensPerSecond: (tokens * 1e9) / outcome.endedNs,
    iterations: outcome.iterations,
  };
}

function requestsOf({ clients, requests: count, promptTokens, outputTokens, leastShare, seed }: ClosedLoopRun): RequestColumns {
  const drawn = (most: number, counter: number): number =>
    Math.max(1, Math.round(most * (leastShare + (1 - leastShare) * counterFloat(seed, counter))));
  return {
    count,
    arrivalNs: new Float64Array(count),
    promptTokens: Int32Array.from({ length: count }, (_unused, index) => drawn(promptTokens, 2 * index)),
    outputTokens: Int32Array.from({ length: count }, (_unused, index) => drawn(outputTokens, 2 * index + 1)),
    blockStart: new Int32Array(count + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
    after: Int32Array.from({ length: count }, (_unused, index) => (index < clients ? -1 : index - clients)),
  };
}
