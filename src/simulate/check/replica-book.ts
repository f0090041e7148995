import type { SubmitMessage } from "../../engine/messages.ts";
import type { Lane, StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import type { ReplicaConfig } from "../../engine/replica-state.ts";
import type { SlotLedger } from "./slot-ledger.ts";
import type { Invariant } from "./violation.ts";

/** A request as its submission and the messages about it describe it. */
export interface SubmittedView {
  readonly submission: SubmitMessage;
  /** Tokens sent on since the submission. */
  sent: number;
  /** `finished` or `failed` was sent, or it was cancelled: nothing more of it may be computed. */
  over: boolean;
}

export interface LaneView {
  readonly request: number;
  tokens: number;
  task: TaskId | undefined;
}

/** All a checker keeps of one life. */
export interface ReplicaBook {
  readonly config: ReplicaConfig;
  readonly requests: Map<number, SubmittedView>;
  readonly lanes: Map<Lane, LaneView>;
  readonly tasks: Map<TaskId, StepTask>;
  readonly slots: SlotLedger;
  lastTask: TaskId;
  /** Reports what does not hold. */
  readonly check: (holds: boolean, invariant: Invariant, message: () => string) => void;
}
