import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";
import type { BatchingPolicy } from "../policy/batching.ts";
import { type BlockKey, pagesFor, type SlotRef } from "../state/block.ts";
import { createLanes, type Lanes } from "../state/lanes.ts";
import { createSlots, type Slots } from "../state/slots.ts";
import type { RequestId } from "./messages.ts";
import type { Lane, OpenSequence, Seal, StepRow, TaskId } from "./replica-engine-types.ts";

/** What a replica engine is made for; all of it comes from the plan (`plan-config.ts`). */
export interface ReplicaConfig {
  readonly stages: number;
  readonly workingPages: number;
  readonly sealedSlots: number;
  readonly maxSequences: number;
  /** Longest prompt + output of a sequence, in tokens. */
  readonly contextLimit: number;
  /** Blocks written by decode steps are worth keeping: their key is one that a later prompt can have. Absent: they are not kept. */
  readonly sealDecoded?: boolean;
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
  /** Order of arrival at this replica; kept over preemptions. */
  readonly arrival: number;
  /** Tokens known: prompt and everything generated here. The executor holds their ids. */
  known: number;
  /** Tokens whose K/V are in the lane. */
  computed: number;
  /** Of these, the tokens from the start that prefill rows computed or sealed blocks brought. */
  prefilled: number;
  /** Index of the next token to deliver, over all attempts. */
  nextIndex: number;
  /** Tokens still to generate at most. */
  budget: number;
  /** Keys of whole blocks from the start, as far as known. */
  readonly keys: BlockKey[];
  /** Keys of the parts of its blocks from the start, as far as known. */
  readonly parts: BlockKey[];
  lane: Lane | undefined;
  /** Task working on it. */
  task: TaskId | undefined;
  /** Blocks already sealed or found sealed, from the start. */
  sealed: number;
  /** A token was sampled since the lane was opened: what follows are decode steps. */
  sampled: boolean;
  /** `started` was sent. */
  started: boolean;
  /** Cancelled while a task works on it. */
  cancelled: boolean;
  /** Times a policy chose to preempt it. */
  policyPreemptions: number;
}

/** A task that was started and has not ended. */
export interface TaskInFlight {
  readonly rows: readonly TaskRow[];
  readonly seals: readonly { readonly request: RequestId; readonly block: number; readonly target: SlotRef }[];
  readonly leased: readonly SlotRef[];
}

export interface TaskRow {
  readonly request: RequestId;
  readonly count: number;
  readonly prefill: boolean;
  readonly sample: boolean;
}

/** All state of a replica engine: plain data. */
export interface ReplicaState {
  readonly sequences: Map<RequestId, Sequence>;
  /** Requests to admit, next one first. */
  readonly waiting: RequestId[];
  /** Requests with a lane, oldest admission first. */
  readonly running: RequestId[];
  readonly tasks: Map<TaskId, TaskInFlight>;
  readonly slots: Slots;
  readonly lanes: Lanes;
  /** Lanes whose sequence has left: free for the engine, closed in the drivers by the next task, before it opens any. */
  closing: Lane[];
  nextTask: TaskId;
  nextArrival: number;
  draining: boolean;
  report: ReportState;
  /** The batching policy's own state. */
  policyState: unknown;
  counts: ReplicaCounts;
}

export interface ReplicaCounts {
  /** Items of a policy's choice that were dropped because they would have broken an invariant. */
  policyRefusals: number;
  /** Steps that the fallback decided, because the policy failed, overran its budget or left the replica idle. */
  policyFallbacks: number;
  preemptions: number;
  cachedTokens: number;
  /** Sealed blocks whose key was not the one the request came with: front end and executor disagree on numerics, and nothing is reused. */
  keyMismatches: number;
}

export interface ReportState {
  dirty: boolean;
  nextAt: Nanoseconds;
  timerSet: boolean;
  readonly sealed: Map<BlockKey, true>;
  readonly evicted: Map<BlockKey, true>;
}

/** A task being put together. */
export interface TaskDraft {
  readonly opens: OpenSequence[];
  readonly steps: StepRow[];
  readonly rows: TaskRow[];
  readonly seals: Seal[];
  readonly sealers: RequestId[];
  readonly leased: SlotRef[];
}

export function createReplicaState(config: ReplicaConfig, deciders: ReplicaDeciders): ReplicaState {
  assert(config.stages >= 1, "a replica has a stage", config.stages);
  assert(config.contextLimit >= 2, "a replica has room for a prompt and a token", config.contextLimit);
  assert(config.policy.maxChunkTokens >= 1, "an iteration takes at least one prompt token", config.policy.maxChunkTokens);
  return {
    sequences: new Map(),
    waiting: [],
    running: [],
    tasks: new Map(),
    slots: createSlots(config.policy.prefixCache ? config.sealedSlots : 0),
    lanes: createLanes(config.maxSequences, config.workingPages),
    closing: [],
    nextTask: 0,
    nextArrival: 0,
    draining: false,
    report: { dirty: true, nextAt: 0, timerSet: false, sealed: new Map(), evicted: new Map() },
    policyState: deciders.batching.initial,
    counts: { policyRefusals: 0, policyFallbacks: 0, preemptions: 0, cachedTokens: 0, keyMismatches: 0 },
  };
}

export function sequenceOf(state: ReplicaState, request: RequestId): Sequence {
  const sequence = state.sequences.get(request);
  assert(sequence !== undefined, "a request is known while it runs", { request });
  return sequence;
}

/** One known token is left and the rest is in the lane: the next run is a decode step. A prompt's first run never is. */
export function isDecoding(sequence: Sequence): boolean {
  return sequence.sampled && sequence.known - sequence.computed === 1;
}

/** Whether a request of this length can ever run alone. */
export function fitsAlone(config: ReplicaConfig, tokens: number): boolean {
  return tokens <= config.contextLimit && pagesFor(tokens) <= config.workingPages;
}
