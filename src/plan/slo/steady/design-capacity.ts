import type { ReplicaDesign, ReplicaModel, SloProblem } from "../slo-problem.ts";
import { encodeReplica } from "./encode-replica.ts";
import { decodeReplica, prefillReplica } from "./split-replicas.ts";
import type { Limit, SteadyState } from "./steady-load.ts";
import { wholeReplica } from "./whole-replica.ts";

/** What a replica of a design carries at most while it keeps the target, and what stops it there. */
export interface DesignCapacity {
  readonly design: ReplicaDesign;
  readonly replica: ReplicaModel;
  /** Units: requests/s. */
  readonly rate: number;
  readonly limit: Limit;
  /** At that rate. */
  readonly state: SteadyState;
  /** Of the target's time to first token, what it may take: all but the encoders' part where those are replicas of their own. */
  readonly ttftShare: number;
}

/** What breaks for a lone request already. */
export interface NoCapacity {
  readonly rate?: undefined;
  readonly limit: Limit;
}

/** Relative width to which the largest rate is found. */
const RATE_WIDTH = 5e-3;
/** Requests a second that no replica reaches, and so few that one alone decides. */
const RATE_MOST = 1e5;
const RATE_LEAST = 1e-4;

/** The steady state of a replica at a rate. */
export function steadyState(problem: SloProblem, replica: ReplicaModel, design: ReplicaDesign, rate: number): SteadyState {
  const { workload, target, transfer } = problem;
  const cachedShare = design.engine.prefixCaching ? workload.prefixShare : 0;
  const input = { rate, workload, target, cachedShare };
  if (design.role === "prefill") return prefillReplica(replica, design, input);
  if (design.role === "encode") return encodeReplica(replica, design, { ...input, link: transfer! });
  if (design.role === "decode") return decodeReplica(replica, design, { ...input, link: transfer! });
  return wholeReplica(replica, design, input);
}

/** The largest rate that keeps the target, by halving; undefined where not even a lone request does, with what stops it. */
export function designCapacity(
  whole: SloProblem,
  replica: ReplicaModel,
  design: ReplicaDesign,
  ttftShare = 1,
): DesignCapacity | NoCapacity {
  const problem = ttftShare === 1 ? whole : { ...whole, target: { ...whole.target, ttftNs: whole.target.ttftNs * ttftShare } };
  const alone = steadyState(problem, replica, design, RATE_LEAST);
  if (alone.broken !== undefined) return { limit: alone.broken };
  let low = RATE_LEAST;
  let high = 1;
  let best = alone;
  let limit: Limit | undefined;
  while (high < RATE_MOST) {
    const state = steadyState(problem, replica, design, high);
    if (state.broken !== undefined) {
      limit = state.broken;
      break;
    }
    low = high;
    best = state;
    high *= 2;
  }
  if (limit === undefined) return { design, replica, rate: low, limit: "decode", state: best, ttftShare };
  while (high - low > RATE_WIDTH * low) {
    const middle = (low + high) / 2;
    const state = steadyState(problem, replica, design, middle);
    if (state.broken === undefined) {
      low = middle;
      best = state;
    } else {
      high = middle;
      limit = state.broken;
    }
  }
  return { design, replica, rate: low, limit, state: best, ttftShare };
}
