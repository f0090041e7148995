import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";
import type { BatchingPolicy } from "../policy/batching.ts";
import type { BlockKey, SlotRef } from "../state/block.ts";
import { createLanes, type Lanes } from "../state/lanes.ts";
import { createSlots, type Slots } from "../state/slots.ts";
import type { RequestId } from "./messages.ts";
import type { Lane, OpenSequence, Seal, TaskId } from "./replica-engine-types.ts";

/** What a replica engine is made for; all of it comes from the plan. */
export interface ReplicaConfig {
  readonly stages: number;
  readonly workingPages: number;
  readonly sealedSlots: number;
  readonly maxSequences: number;
  /** Longest prompt + output of a sequence, in tokens. */
  readonly contextLimit: number;
  readonly policy: PolicyParameters;
  /** Least time between two load reports. */
  readonly reportIntervalNs: Nanoseconds;
}

/** The parts that decide, apart from the state: functions, so not in snapshots. */
export interface ReplicaDeciders {
  readonly batching: BatchingPolicy;
  readonly cost: StepCost;
}

export interface Sequence {
  readonly request: RequestId;
  readonly attempt: number;
  readonly priority: number;
  readonly arrivedAt: Nanoseconds;
  /** Tokens known: prompt and everything generated here. The executor holds their ids. */
  known: number;
  /** Tokens whose K/V are in the lane. */
  computed: number;
  /** Index of the next token to deliver, over all attempts. */
  nextIndex: number;
  /** Tokens still to generate at most. */
  budget: number;
  /** Keys of whole blocks from the start, as far as known. */
  readonly keys: BlockKey[];
  lane: Lane | undefined;
  /** Task working on it. */
  task: TaskId | undefined;
  /** Order of admission; grows. */
  order: number;
  /** Blocks already sealed, found sealed, or given up, from the start. */
  sealed: number;
  /** A token was sampled since the lane was opened: what follows are decode steps. */
  sampled: boolean;
  /** `started` was sent. */
  started: boolean;
  cancelled: boolean;
}

/** A task that was started and has not ended. */
export interface TaskInFlight {
  readonly rows: readonly { readonly request: RequestId; readonly count: number; readonly sample: boolean }[];
  readonly seals: readonly { readonly request: RequestId; readonly block: number; readonly target: SlotRef }[];
  readonly leased: readonly SlotRef[];
}

/** All state of a replica engine: plain data. */
export interface ReplicaState {
  readonly sequences: Map<RequestId, Sequence>;
  /** Requests to admit, next one first. */
  waiting: RequestId[];
  /** Requests with a lane, oldest admission first. */
  running: RequestId[];
  readonly tasks: Map<TaskId, TaskInFlight>;
  readonly slots: Slots;
  readonly lanes: Lanes;
  /** Lanes whose sequence has left; they close with the next task. */
  closing: Lane[];
  nextTask: TaskId;
  nextOrder: number;
  draining: boolean;
  report: ReportState;
  /** Items of a policy's choice that were dropped because they would have broken an invariant, and steps a fallback decided. */
  policyRefusals: number;
  policyFallbacks: number;
}

export interface ReportState {
  dirty: boolean;
  nextAt: Nanoseconds;
  timerSet: boolean;
  sealed: BlockKey[];
  evicted: BlockKey[];
}

/** A task being put together. */
export interface TaskDraft {
  readonly closes: Lane[];
  readonly opens: OpenSequence[];
  readonly seals: (Seal & { readonly request: RequestId })[];
  readonly leased: SlotRef[];
}

export function createReplicaState(config: ReplicaConfig): ReplicaState {
  assert(config.stages >= 1, "a replica has a stage", config.stages);
  return {
    sequences: new Map(),
    waiting: [],
    running: [],
    tasks: new Map(),
    slots: createSlots(config.policy.prefixCache ? config.sealedSlots : 0),
    lanes: createLanes(config.maxSequences, config.workingPages),
    closing: [],
    nextTask: 0,
    nextOrder: 0,
    draining: false,
    report: { dirty: true, nextAt: 0, timerSet: false, sealed: [], evicted: [] },
    policyRefusals: 0,
    policyFallbacks: 0,
  };
}

export function sequenceOf(state: ReplicaState, request: RequestId): Sequence {
  const sequence = state.sequences.get(request);
  assert(sequence !== undefined, "a request is known while it runs", { request });
  return sequence;
}
