import type { Nanoseconds, Tokens } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";

/** A replica as routing sees it: what it reported last, and what was sent to it since. */
export interface ReplicaView {
  readonly replica: number;
  /** Requests sent to it that have not ended. */
  readonly assigned: number;
  readonly maxSequences: number;
  /** Prompt tokens it still has to compute, of requests sent before. */
  readonly backlogTokens: Tokens;
  /** Tokens at the start of this request's prompt believed to be cached there. */
  readonly cachedTokens: Tokens;
  readonly cost: StepCost;
  readonly stages: number;
}

export interface RoutedRequest {
  readonly promptTokens: Tokens;
  readonly maxNewTokens: Tokens;
}

/** Why a replica was chosen: all terms in ns, so that they can be compared and shown. */
export interface RoutePrice {
  readonly replica: number;
  readonly totalNs: Nanoseconds;
  readonly backlogNs: Nanoseconds;
  readonly prefillNs: Nanoseconds;
  readonly decodeNs: Nanoseconds;
  /** Time the request adds to those already running there. */
  readonly loadLeftNs: Nanoseconds;
}

/** Chooses a replica for a request. Pure. */
export interface RoutingPolicy {
  readonly name: string;
  /** The price of every candidate, cheapest first, ties by id. */
  price(request: RoutedRequest, candidates: readonly ReplicaView[]): readonly RoutePrice[];
}
