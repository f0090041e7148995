import type { Nanoseconds, Tokens } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";

/** A waiting request as a batching policy sees it. */
export interface WaitingView {
  readonly request: number;
  readonly priority: number;
  /** Tokens to have in its lane before its next sample: its prompt, and what it had generated before a preemption. */
  readonly knownTokens: Tokens;
  /** Of these, the tokens found in sealed blocks now. */
  readonly cachedTokens: Tokens;
  readonly waitingNs: Nanoseconds;
}

/** A sequence with a lane. */
export interface RunningView {
  readonly request: number;
  readonly lane: number;
  /** Tokens in its lane. */
  readonly context: Tokens;
  /** Tokens known and not yet computed; 1 for a decoding sequence. */
  readonly remaining: Tokens;
  readonly decoding: boolean;
  /** A task works on it: it cannot be chosen now. */
  readonly inFlight: boolean;
}

/** A list whose every look counts against the policy's step budget. */
export interface CountedList<T> {
  readonly length: number;
  /** Item `index`. Looking too often ends the policy's turn: a fallback decides. */
  at(index: number): T;
}

/** What a batching policy may know. */
export interface BatchingView {
  /** In the order they would be served first: priority, then age. */
  readonly waiting: CountedList<WaitingView>;
  /** Oldest admission first. */
  readonly running: CountedList<RunningView>;
  readonly freeLanes: number;
  /** Tasks the replica keeps in flight at most: one a stage. */
  readonly stages: number;
  readonly tasksInFlight: number;
}

/** What the next iteration shall do. The engine drops, and counts, whatever would break an invariant. */
export interface BatchingChoice {
  /** Waiting requests to open lanes for, in order; each also needs a row in `prefill`. The engine stops at the first that does not fit. */
  readonly admit: readonly number[];
  /** Running sequences to send back to the queue. Room for growing lanes needs none of these: the engine makes it. */
  readonly preempt: readonly number[];
  readonly decode: readonly number[];
  /** Prompt tokens to compute, of running or just admitted sequences. */
  readonly prefill: readonly { readonly request: number; readonly tokens: Tokens }[];
}

export interface BatchingContext {
  readonly parameters: PolicyParameters;
  readonly cost: StepCost;
}

/**
 * Forms iterations: a pure function of a view, the policy's own state and its parameters. Own state is plain data.
 *
 * Why a view with counted looks: a policy cannot be interrupted, so its work is bounded by what it may look at.
 */
export interface BatchingPolicy<Own = unknown> {
  readonly name: string;
  readonly initial: Own;
  decide(view: BatchingView, own: Own, context: BatchingContext): { readonly choice: BatchingChoice; readonly own: Own };
}
