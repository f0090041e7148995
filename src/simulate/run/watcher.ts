import type { Nanoseconds } from "../../base/units.ts";
import type { FleetEngine } from "../../engine/fleet-engine.ts";
import type { FleetCommand, FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { ReplicaEngine } from "../../engine/replica-engine.ts";
import type { ReplicaCommand, ReplicaEvent } from "../../engine/replica-engine-types.ts";

/** One life of a replica's host. */
export interface HostLife {
  readonly replica: number;
  readonly incarnation: number;
}

/** Looks on while a run goes: checkers, metrics, ledgers. Every method is optional; none may change anything. */
export interface RunWatcher {
  fleetStarted?(engine: FleetEngine): void;
  fleetStepped?(event: FleetEvent, now: Nanoseconds, commands: readonly FleetCommand[]): void;
  hostStarted?(life: HostLife, engine: ReplicaEngine, now: Nanoseconds): void;
  replicaStepped?(
    life: HostLife,
    step: { readonly event: ReplicaEvent; readonly commands: readonly ReplicaCommand[] },
    now: Nanoseconds,
  ): void;
  hostEnded?(life: HostLife, now: Nanoseconds): void;
  /** A node broke a promise of its own: its assertion. The run ends. */
  nodeFailed?(node: HostLife | "fleet", message: string, now: Nanoseconds): void;
  runEnded?(end: { readonly now: Nanoseconds; readonly settled: boolean }): void;
}
