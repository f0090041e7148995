import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { StepCost } from "../../cost/step-cost.ts";
import type { StepNoise } from "../../cost/step-noise.ts";
import type { FleetConfig } from "../../engine/fleet-state.ts";
import type { ReplicaConfig } from "../../engine/replica-state.ts";
import type { SessionTiming } from "../../fleet/session.ts";
import type { BatchingPolicy } from "../../policy/batching.ts";
import type { RoutingPolicy } from "../../policy/routing.ts";
import type { BlockKey } from "../../state/block.ts";
import type { DeviceSharing } from "./device-rates.ts";
import type { RunFault } from "./fault.ts";
import type { NetworkProfile } from "./network.ts";
import type { RunWatcher } from "./watcher.ts";

/** One replica as the virtual executor hosts it. */
export interface VirtualReplica {
  readonly config: ReplicaConfig;
  /** Prices its steps: for the policies and for the virtual devices alike. */
  readonly cost: StepCost;
  /** Device of each stage, by id; a device named by several stages or replicas serves one task at a time. */
  readonly devices: readonly string[];
  /** Time from the order to start its host until it is up. */
  readonly startUpNs: Nanoseconds;
  /** Factor on every step time of this run: the systematic part of the cost model's error. */
  readonly stepFactor: Ratio;
  /** Scatter of single steps about it. */
  readonly stepNoise: StepNoise;
}

/** One client. */
export interface VirtualRequest {
  readonly atNs: Nanoseconds;
  readonly promptTokens: number;
  readonly maxNewTokens: number;
  readonly keys: readonly BlockKey[];
  readonly parts: readonly BlockKey[];
  readonly priority: number;
  /** The model samples its stop token after this many tokens; absent: it never does. */
  readonly stopAfter?: number;
  /** The client goes away at this time, if its request still runs. */
  readonly cancelAtNs?: Nanoseconds;
  /** The front end finds a stop string once token `stopStringAt` is there: that token is no longer wanted. */
  readonly stopStringAt?: number;
}

/** Everything a virtual run depends on; equal inputs give equal runs, to the bit. */
export interface RunInput {
  readonly fleet: FleetConfig;
  readonly replicas: readonly VirtualReplica[];
  readonly timing: SessionTiming;
  readonly routing: RoutingPolicy;
  readonly batching: BatchingPolicy;
  /** In order of arrival; the index is the request's id. */
  readonly requests: readonly VirtualRequest[];
  readonly network: NetworkProfile;
  readonly faults: readonly RunFault[];
  /** What devices have in common; a device that is not named shares nothing. */
  readonly sharing?: ReadonlyMap<string, DeviceSharing>;
  /** Seed of step noise and network. */
  readonly seed: number;
  /** A run that has requests left at this time ends with them unfinished. */
  readonly deadlineNs: Nanoseconds;
  /** After its last request a run goes on this long, so that late messages arrive and what is held is given back. */
  readonly settleNs: Nanoseconds;
  /** Asked before every event: true ends the run at once. */
  readonly stop?: () => boolean;
  readonly watchers?: readonly RunWatcher[];
}
