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
  /**
   * Mean time from the end of a request until the next one of its client reaches the engine, drawn evenly between 0 and twice as long: detokenising,
   * HTTP, the client, tokenising. Without it requests that ended together begin together for ever.
   */
  readonly turnAroundNs: number;
  /** Weight of each client's first request in the means: all of them begin at once, which longer benchmarks see less of. */
  readonly firstWeight: number;
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
  let weights = 0;
  let several = 0;
  let tokens = 0;
  for (let i = 0; i < requests.count; i++) {
    const outputs = requests.outputTokens[i]!;
    const first = outcome.firstTokenNs[i]!;
    const weight = i < run.clients ? run.firstWeight : 1;
    ttft += weight * (first - outcome.queuedNs[i]!);
    weights += weight;
    tokens += outputs;
    if (outputs < 2) continue;
    several += weight;
    tpot += (weight * (outcome.lastTokenNs[i]! - first)) / (outputs - 1);
  }
  return {
    ttftNs: ttft / weights,
    tpotNs: several > 0 ? tpot / several : 0,
    outputTokensPerSecond: (tokens * 1e9) / outcome.endedNs,
    iterations: outcome.iterations,
  };
}

/** Draws a request: prompt, outputs, the time before it. */
const DRAWS = 3;

function requestsOf(run: ClosedLoopRun): RequestColumns {
  const { clients, requests: count, promptTokens, outputTokens, leastShare, turnAroundNs, seed } = run;
  const waits = Float64Array.from({ length: count }, (_unused, index) =>
    Math.round(2 * turnAroundNs * counterFloat(seed, DRAWS * index + 2)),
  );
  const started = waits.slice(0, clients).sort();
  const drawn = (most: number, counter: number): number =>
    Math.max(1, Math.round(most * (leastShare + (1 - leastShare) * counterFloat(seed, counter))));
  return {
    count,
    arrivalNs: Float64Array.from({ length: count }, (_unused, index) => started[Math.min(index, clients - 1)]!),
    promptTokens: Int32Array.from({ length: count }, (_unused, index) => drawn(promptTokens, DRAWS * index)),
    outputTokens: Int32Array.from({ length: count }, (_unused, index) => drawn(outputTokens, DRAWS * index + 1)),
    blockStart: new Int32Array(count + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
    thinkNs: waits,
    after: Int32Array.from({ length: count }, (_unused, index) => (index < clients ? -1 : index - clients)),
  };
}
