import type { ReplicaDesign, ReplicaModel, SloTarget } from "../slo-problem.ts";
import type { WorkloadProfile } from "../workload-profile.ts";

/** What binds a replica at a load. */
export type Limit = "ttft" | "tpot" | "kv" | "sequences" | "prefill" | "decode" | "transfer" | "encode";

/** A replica in the steady state at a rate of requests. Times are infinite where it has none. */
export interface SteadyState {
  /** At the target's percentile. Units: ns. */
  readonly ttftNs: number;
  readonly tpotNs: number;
  /** Sequences that decode at once, and KV tokens held, on average. */
  readonly sequences: number;
  readonly kvTokens: number;
  /** Share of time spent on prompts. */
  readonly prefillShare: number;
  /** What does not hold at this rate; undefined where the target is kept. */
  readonly broken: Limit | undefined;
}

/** A rate of requests on a replica. Units: requests/s. */
export interface SteadyInput {
  readonly rate: number;
  readonly workload: WorkloadProfile;
  readonly target: SloTarget;
  /** Of prompt tokens found cached; ratio. */
  readonly cachedShare: number;
}

export const NO_STEADY_STATE = { ttftNs: Number.POSITIVE_INFINITY, tpotNs: Number.POSITIVE_INFINITY } as const;

/** Time to first token with what a client waits for the front end beside so many sequences that decode; `perNs`: arrivals. Units: ns. */
export function withFront({ front }: ReplicaModel, ttftNs: number, { perNs, decoding }: { perNs: number; decoding: number }): number {
  return front === undefined ? ttftNs : ttftNs + front.ns + front.nsInFlight * Math.max(1, perNs * ttftNs + decoding);
}

/** The target that is missed; time to first token first. */
export function missedTarget(ttftNs: number, tpotNs: number, target: SloTarget): Limit | undefined {
  if (!(ttftNs <= target.ttftNs)) return "ttft";
  return tpotNs <= target.tpotNs ? undefined : "tpot";
}

/** Whether no rank has room for the longest request: then some are never served. */
export function tooSmall({ kvTokens }: ReplicaModel, { parallel }: ReplicaDesign, { longest }: WorkloadProfile): boolean {
  return kvTokens / parallel.data < longest;
}
