import { exp, ln } from "../base/math.ts";
import { fleetThroughput, type ReplicaPrediction } from "./predict.ts";

/**
 * What makes one plan better than another, as a sum of logarithms (a plan 10 % faster in everything scores ln 1.1 lower): time to first token of a
 * 512-token prompt and time per token of a single stream on the best replica, and the throughput of 8 streams (or as many as may run) over all replicas.
 */
const TTFT_WEIGHT = 0.3;
const TPOT_WEIGHT = 0.35;
const THROUGHPUT_WEIGHT = 0.35;
/** Every further stage or replica must pay this much: it takes memory, a process and a hand-over that can fail. */
const COMPLEXITY = ln(1.03);

export interface ScoredReplica {
  readonly prediction: ReplicaPrediction;
  readonly slowdown: number;
  readonly stages: number;
}

export interface FleetScore {
  /** Lower is better. */
  readonly score: number;
  /** Index of the replica that serves a lone request. */
  readonly best: number;
  readonly tokensPerSecond8: number;
  /** Of so many streams is that. */
  readonly streams: number;
}

/** `streams`: those the throughput is of, `judgedStreams`. */
export function scoreFleet(replicas: readonly ScoredReplica[], streams: number): FleetScore {
  let best = 0;
  let single = Infinity;
  replicas.forEach(({ prediction }, index) => {
    const cost = TTFT_WEIGHT * ln(prediction.ttft.ns) + TPOT_WEIGHT * ln(prediction.tpot.ns);
    if (cost < single) {
      single = cost;
      best = index;
    }
  });
  const tokensPerSecond8 = fleetThroughput(
    replicas.map(({ prediction, slowdown }) => ({ stepNs: prediction.stepNs, slowdown })),
    streams,
  );
  const parts = replicas.reduce((sum, replica) => sum + replica.stages, 0) - 1;
  return { score: single - THROUGHPUT_WEIGHT * ln(tokensPerSecond8) + COMPLEXITY * parts, best, tokensPerSecond8, streams };
}

/** How much worse a score is than another, as a share: 0.1 is a tenth slower. */
export function marginOf(better: number, worse: number): number {
  return exp(worse - better) - 1;
}
