import type { Nanoseconds } from "../base/units.ts";
import type { BlockKey, SlotRef } from "../state/block.ts";
import type { FromReplica, RequestId, ToReplica } from "./messages.ts";

/** Dense id of an iteration of a replica. */
export type TaskId = number;
/** Lane of a running sequence: index of its working KV in the drivers, below `maxSequences`; the lowest free lane is taken first. */
export type Lane = number;

/** What enters a replica engine. Nothing else does. */
export type ReplicaEvent =
  | { readonly type: "message"; readonly message: ToReplica }
  | TaskFinished
  | { readonly type: "task-failed"; readonly task: TaskId; readonly detail: string }
  | { readonly type: "timer" };

export interface TaskFinished {
  readonly type: "task-finished";
  readonly task: TaskId;
  /** Busy time of each stage, in the order of the plan. */
  readonly stageNs: readonly Nanoseconds[];
  /** One entry per sampled row, in the order of the task's rows. */
  readonly samples: readonly Sample[];
  /** For each seal of the task, in order, the keys of its first 8, 16, … tokens; the last one is of all. */
  readonly sealedKeys: readonly (readonly BlockKey[])[];
}

export interface Sample {
  /** Opaque to the engine; -1 where it was not recorded. */
  readonly token: number;
  /** The token is a stop token: the sequence ends and the token is not delivered. */
  readonly stop: boolean;
}

/** What leaves a replica engine. Executors do it; ledgers hash it. */
export type ReplicaCommand =
  | { readonly type: "start-task"; readonly task: TaskId; readonly step: StepTask }
  | { readonly type: "send"; readonly message: FromReplica }
  | { readonly type: "set-timer"; readonly at: Nanoseconds };

/**
 * One iteration of the replica's gang program. Every stage does, in this order: closes, opens (and gathers), computes the rows and appends their
 * K/V, seals. `rows` are prefill chunks and decodes in a fixed order; samples come back for rows with `sample`.
 *
 * A stage takes its tasks in the order they were started. Closes count as done whatever becomes of the task, and opening a lane begins it anew: a
 * stage that a failed task did not reach does its closes with the next task. The token list of a request may go with its `finished` or `failed`.
 */
export interface StepTask {
  readonly closes: readonly Lane[];
  readonly opens: readonly OpenSequence[];
  readonly rows: readonly StepRow[];
  readonly seals: readonly Seal[];
}

export interface OpenSequence {
  readonly lane: Lane;
  readonly request: RequestId;
  /** Attempt and promptTokens name the token list the executor holds for the request. */
  readonly attempt: number;
  /** Known tokens of the sequence: what prefill rows will bring the lane to. */
  readonly tokens: number;
  /** Sealed blocks copied to the start of the lane, in order; each is leased until the task ends. */
  readonly gather: readonly SlotRef[];
  /** Tokens they bring: all of every block but the last, of which the leading ones may do. */
  readonly gatherTokens: number;
}

export interface StepRow {
  readonly lane: Lane;
  readonly phase: "prefill" | "decode";
  /** Position of the first token computed; equals the tokens already in the lane. */
  readonly start: number;
  readonly count: number;
  /** Sample the next token from the last position of the row. */
  readonly sample: boolean;
}

export interface Seal {
  readonly lane: Lane;
  /** Index of the block within the sequence. */
  readonly block: number;
  /** Leading tokens of the block that are copied: all, or a multiple of 8 where a prompt ends inside it. */
  readonly tokens: number;
  readonly target: SlotRef;
}
