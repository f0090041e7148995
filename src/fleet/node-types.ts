import type { Nanoseconds } from "../base/units.ts";
import type { FleetCommand, FleetEvent } from "../engine/fleet-engine-types.ts";
import type { FromReplica, ToReplica } from "../engine/messages.ts";
import type { ReplicaCommand, ReplicaEvent, StepTask, TaskId } from "../engine/replica-engine-types.ts";
import type { Frame } from "./session.ts";

/** Sees every engine event with its commands: the ledger writer live, ledger and checkers in simulation. */
export type Observer<Event, Command> = (event: Event, now: Nanoseconds, commands: readonly Command[]) => void;

/** What enters a fleet node. External events are what the engine cannot learn from messages. */
export type FleetNodeInput =
  | { readonly type: "event"; readonly event: Exclude<FleetEvent, { type: "message" }> }
  | { readonly type: "frame"; readonly replica: number; readonly frame: Frame<FromReplica> }
  /** The time of the last `wake` has come (a late or needless one does no harm). */
  | { readonly type: "tick" };

/** What leaves a fleet node. Hosts attach what engines never read (prompt tokens, sampling) to frames that carry a `submit`. */
export type FleetNodeOutput =
  | { readonly type: "frame"; readonly replica: number; readonly frame: Frame<ToReplica> }
  | Exclude<FleetCommand, { type: "send" }>
  /** Call `handle` with a tick at this time; replaces an earlier wake. */
  | { readonly type: "wake"; readonly at: Nanoseconds };

export type ReplicaNodeInput =
  | { readonly type: "event"; readonly event: Exclude<ReplicaEvent, { type: "message" } | { type: "timer" }> }
  | { readonly type: "frame"; readonly frame: Frame<ToReplica> }
  | { readonly type: "tick" };

export type ReplicaNodeOutput =
  | { readonly type: "frame"; readonly frame: Frame<FromReplica> }
  | { readonly type: "start-task"; readonly task: TaskId; readonly step: StepTask }
  | { readonly type: "wake"; readonly at: Nanoseconds }
  /** The fleet has been silent for too long: the host should end. */
  | { readonly type: "orphaned" };

export type ReplicaObserver = Observer<ReplicaEvent, ReplicaCommand>;
export type FleetObserver = Observer<FleetEvent, FleetCommand>;
