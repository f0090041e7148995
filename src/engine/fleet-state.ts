import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";
import type { RoutingPolicy } from "../policy/routing.ts";
import type { BlockKey } from "../state/block.ts";
import type { RequestId } from "./messages.ts";

export interface FleetConfig {
  readonly replicas: readonly { readonly maxSequences: number; readonly stages: number }[];
  readonly policy: PolicyParameters;
  /** Requests sent to a replica beyond its lanes, so that it never waits for the next one. */
  readonly lookAhead: number;
  /** A lost host is started again after this time, doubled with every loss inside the window. */
  readonly restartDelayNs: Nanoseconds;
  readonly restartWindowNs: Nanoseconds;
  /** Losses inside the window after which a replica is given up. */
  readonly restartsMax: number;
  /** Attempts after which a request that devices keep failing on is given up. */
  readonly attemptsMax: number;
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
  readonly priority: number;
  attempt: number;
  /** Where it was sent; `undefined` while it waits in the fleet's queue. */
  replica: number | undefined;
  delivered: number;
  /** Cached tokens of the first attempt, as the replica reported; what `usage` shows. */
  cachedTokens: number | undefined;
  predictedCachedTokens: number;
}

export interface FleetReplica {
  incarnation: number;
  status: "starting" | "up" | "down" | "given-up";
  /** Requests sent to it that have not ended. */
  readonly assigned: Map<RequestId, true>;
  backlogTokens: number;
  /** Blocks believed to be cached there. */
  readonly believed: Map<BlockKey, true>;
  losses: Nanoseconds[];
}

/** All state of the fleet engine: plain data. */
export interface FleetState {
  readonly requests: Map<RequestId, FleetRequest>;
  /** Requests not sent anywhere yet, next one first. */
  queue: RequestId[];
  readonly replicas: readonly FleetReplica[];
  draining: boolean;
  /** Predicted against actual cached tokens of all started requests. */
  prediction: { predictedTokens: number; actualTokens: number };
}

export function createFleetState(config: FleetConfig): FleetState {
  assert(config.replicas.length > 0, "a fleet has a replica");
  return {
    requests: new Map(),
    queue: [],
    replicas: config.replicas.map(() => ({
      incarnation: 0,
      status: "down",
      assigned: new Map(),
      backlogTokens: 0,
      believed: new Map(),
      losses: [],
    })),
    draining: false,
    prediction: { predictedTokens: 0, actualTokens: 0 },
  };
}

export function fleetReplica(state: FleetState, replica: number): FleetReplica {
  const found = state.replicas[replica];
  assert(found !== undefined, "a replica is in the plan", { replica });
  return found;
}
