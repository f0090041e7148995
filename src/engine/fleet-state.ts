import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";
import type { RoutePrice, RoutingPolicy } from "../policy/routing.ts";
import type { BlockKey } from "../state/block.ts";
import type { RequestId } from "./messages.ts";

export interface FleetConfig {
  readonly replicas: readonly FleetReplicaFacts[];
  readonly policy: PolicyParameters;
  /** Requests sent to a replica beyond its lanes, so that it never waits for the next one. */
  readonly lookAhead: number;
  /** A lost host is started again after this time, doubled with every loss inside the window that came before it delivered anything. */
  readonly restartDelayNs: Nanoseconds;
  readonly restartWindowNs: Nanoseconds;
  /** Such losses inside the window after which a replica is given up. */
  readonly restartsMax: number;
  /** Attempts without a token after which a request is given up. */
  readonly attemptsMax: number;
}

export interface FleetReplicaFacts {
  readonly maxSequences: number;
  readonly stages: number;
  /** Longest prompt + output it takes, in tokens; absent: the replica itself says what is too long. */
  readonly contextLimit?: number;
}

export interface FleetDeciders {
  readonly routing: RoutingPolicy;
  /** Cost model of each replica, by id. */
  readonly costs: readonly StepCost[];
}

export interface FleetRequest {
  readonly request: RequestId;
  readonly promptTokens: number;
  readonly maxNewTokens: number;
  readonly keys: readonly BlockKey[];
  readonly parts: readonly BlockKey[];
  readonly priority: number;
  attempt: number;
  /** Attempts that ended without a new token, in a row. */
  fruitless: number;
  /** Where it was sent; `undefined` while it waits in the fleet's queue. */
  replica: number | undefined;
  delivered: number;
  /** How far this attempt is known to be: sent, admitted by the replica, or past its prompt. */
  progress: "sent" | "started" | "decoding";
  /** Prompt tokens this attempt has to compute: believed until it started, then as the replica says. */
  uncachedTokens: number;
  /** Cached tokens of the first attempt, as the replica reported; what `usage` shows. */
  cachedTokens: number | undefined;
  predictedCachedTokens: number;
}

export interface FleetReplica {
  incarnation: number;
  status: "starting" | "up" | "down" | "given-up";
  /** Requests sent to it that have not ended. */
  readonly assigned: Map<RequestId, true>;
  /** Prompt tokens it has to compute, of the requests it has admitted, by its last report and what it admitted since. */
  reportedBacklogTokens: number;
  /** Blocks it has reported as sealed and not as evicted. */
  readonly believed: Map<BlockKey, true>;
  /** Blocks of requests sent to it, which it will have soon, and how many of those requests have each. */
  readonly promised: Map<BlockKey, number>;
  /** Times of losses inside the window before which nothing was delivered. */
  losses: Nanoseconds[];
  /** It has delivered a token since it came up. */
  fruitful: boolean;
  /** Predicted against actual cached tokens of what started there, fading. */
  prediction: CachePrediction;
}

export interface CachePrediction {
  predictedTokens: number;
  actualTokens: number;
}

/** All state of the fleet engine: plain data. */
export interface FleetState {
  readonly requests: Map<RequestId, FleetRequest>;
  /** Requests not sent anywhere yet, next one first. */
  readonly queue: RequestId[];
  readonly replicas: readonly FleetReplica[];
  draining: boolean;
  /** Output of recent requests: a running mean, whole tokens. */
  expectedTokens: number;
  /** Predicted against actual cached tokens of all requests that started. */
  prediction: CachePrediction;
  /** Why the last request went where it did. */
  lastRoute: { readonly request: RequestId; readonly replica: number; readonly prices: readonly RoutePrice[] } | undefined;
  /** Times a routing policy failed and the shortest queue decided. */
  routingFallbacks: number;
}

/** Output to expect before any request has ended; it only weighs decode time against prefill time. */
const FIRST_EXPECTED_TOKENS = 128;

export function createFleetState(config: FleetConfig): FleetState {
  assert(config.replicas.length > 0, "a fleet has a replica");
  return {
    requests: new Map(),
    queue: [],
    replicas: config.replicas.map(() => ({
      incarnation: 0,
      status: "down",
      assigned: new Map(),
      reportedBacklogTokens: 0,
      believed: new Map(),
      promised: new Map(),
      losses: [],
      fruitful: false,
      prediction: { predictedTokens: 0, actualTokens: 0 },
    })),
    draining: false,
    expectedTokens: FIRST_EXPECTED_TOKENS,
    prediction: { predictedTokens: 0, actualTokens: 0 },
    lastRoute: undefined,
    routingFallbacks: 0,
  };
}

export function fleetReplica(state: FleetState, replica: number): FleetReplica {
  const found = state.replicas[replica];
  assert(found !== undefined, "a replica is in the plan", { replica });
  return found;
}

export function fleetRequest(state: FleetState, request: RequestId): FleetRequest {
  const found = state.requests.get(request);
  assert(found !== undefined, "a request is known until it ends", { request });
  return found;
}

export function fits(facts: FleetReplicaFacts, request: { readonly promptTokens: number; readonly maxNewTokens: number }): boolean {
  return facts.contextLimit === undefined || request.promptTokens + request.maxNewTokens <= facts.contextLimit;
}
