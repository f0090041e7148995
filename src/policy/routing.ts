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
  /** Prompt and output so far of the requests there, on average. */
  readonly meanContextTokens: Tokens;
  readonly cost: StepCost;
  readonly stages: number;
}

export interface RoutedRequest {
  /** Tokens to have computed before the next one can be sampled. */
  readonly promptTokens: Tokens;
  readonly maxNewTokens: Tokens;
  /** Output to expect, by what recent requests generated. */
  readonly expectedTokens: Tokens;
}

/** What a request would cost on one replica: all terms in ns, so that they can be compared, added and shown. */
export interface RoutePrice {
  readonly replica: number;
  readonly totalNs: Nanoseconds;
  /** Prefill of what was sent there before. */
  readonly backlogNs: Nanoseconds;
  /** Its own prefill, of what is not cached there. */
  readonly prefillNs: Nanoseconds;
  /** Its decode steps beside what runs there, and the wait for a lane. */
  readonly decodeNs: Nanoseconds;
  /** Time it adds to those already there. */
  readonly loadLeftNs: Nanoseconds;
}

/** Chooses a replica for a request. Pure. */
export interface RoutingPolicy {
  readonly name: string;
  /** The price of every candidate, cheapest first, ties by id. */
  price(request: RoutedRequest, candidates: readonly ReplicaView[]): readonly RoutePrice[];
}
