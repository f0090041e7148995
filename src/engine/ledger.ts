import type { Nanoseconds } from "../base/units.ts";
import type { StepCostInput } from "../cost/step-cost-from.ts";
import type { Plan } from "../plan/plan.ts";
import type { CommandHash } from "./command-hash.ts";
import type { DataflowConfig } from "./dataflow/dataflow-config.ts";
import type { DataflowEvent } from "./dataflow/dataflow-types.ts";
import type { FleetEvent } from "./fleet-engine-types.ts";
import type { FleetConfig } from "./fleet-state.ts";
import type { ReplicaEvent } from "./replica-engine-types.ts";
import type { ReplicaConfig } from "./replica-state.ts";

/** Version of the file form; a reader refuses any other. */
export const LEDGER_FORMAT = 3;

/** Whose events a ledger holds, and everything its engine was made from, so that a replay can make it again. */
export type LedgerNode =
  | { readonly type: "fleet"; readonly config: FleetConfig; readonly policy: string }
  | {
      readonly type: "replica";
      readonly replica: number;
      readonly incarnation: number;
      readonly config: ReplicaConfig;
      readonly policy: string;
    }
  | { readonly type: "dataflow"; readonly config: DataflowConfig; readonly policy: string };

/** What the engines of all kinds of ledgers take. */
export type RecordedEvent = FleetEvent | ReplicaEvent | DataflowEvent;

/** First frame of every segment. */
export interface LedgerHeader {
  readonly format: typeof LEDGER_FORMAT;
  /** Version of heddle that wrote it. */
  readonly heddle: string;
  readonly node: LedgerNode;
  /** Absent for runs that had no plan file, such as tests. */
  readonly plan?: Plan;
  /** What the cost models of the replicas were made from: one a replica in the fleet's ledger, one in a replica's. */
  readonly costs: readonly StepCostInput[];
  /** Token ids are kept only where the user asked for it; else they read -1. */
  readonly tokens: "kept" | "dropped";
  /** Segments of one ledger count from 0; each begins at an event index, with the time and hash before it. */
  readonly segment: number;
  readonly firstIndex: number;
  readonly startNs: Nanoseconds;
  readonly startHash: string;
}

/** What a writer is told about its ledger; the rest of the header follows from where it stands. */
export type LedgerIdentity = Pick<LedgerHeader, "heddle" | "node" | "plan" | "costs" | "tokens">;

/** One event with the rolling hash of all commands up to and with those it caused. */
export interface LedgerEvent<Event> {
  readonly index: number;
  readonly at: Nanoseconds;
  readonly event: Event;
  readonly hash: CommandHash;
}

/** State of the engine before event `index`. */
export interface LedgerSnapshot {
  readonly index: number;
  readonly state: unknown;
}

/** A ledger as read: one segment or several joined. */
export interface Ledger<Event = RecordedEvent> {
  readonly header: LedgerHeader;
  readonly events: readonly LedgerEvent<Event>[];
  readonly snapshots: readonly LedgerSnapshot[];
  /** Bytes of an unfinished frame at the end, left by a writer that was killed; 0 for a whole file. */
  readonly tornBytes: number;
}

/** Kinds of frames; the first element of every payload. */
export const FRAME_HEADER = 0;
export const FRAME_EVENT = 1;
export const FRAME_SNAPSHOT = 2;
