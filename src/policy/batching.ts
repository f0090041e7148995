import type { Nanoseconds, Tokens } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import type { PolicyParameters } from "../plan/plan.ts";

/** A waiting request as a batching policy sees it, in the order it would be served first. */
export interface WaitingView {
  readonly request: number;
  readonly priority: number;
  /** Tokens to compute before its next sample, cached prefix not yet deducted. */
  readonly promptTokens: Tokens;
  readonly waitingNs: Nanoseconds;
}

/** A running sequence that no task in flight works on. */
export interface RunningView {
  readonly request: number;
  readonly lane: number;
  /** Tokens in its lane. */
  readonly context: Tokens;
  /** Tokens known and not yet computed; 1 for a decoding sequence. */
  readonly remaining: Tokens;
  readonly decoding: boolean;
  /** Order of admission; the highest is the newest. */
  readonly order: number;
}

export interface BatchingView {
  readonly waiting: readonly WaitingView[];
  readonly running: readonly RunningView[];
  /** Open lanes, tasks in flight included, and the most there may be. */
  readonly openLanes: number;
  readonly maxSequences: number;
  /** Tasks the replica keeps in flight at most: one a stage. */
  readonly stages: number;
  /** All decoding sequences, in flight or not. */
  readonly decoding: number;
}

/** What one iteration shall do; the engine drops what would break an invariant. */
export interface BatchingChoice {
  readonly decode: readonly number[];
  /** New prompt tokens of a running sequence. */
  readonly prefill: readonly { readonly request: number; readonly tokens: Tokens }[];
}

export interface BatchingContext {
  readonly parameters: PolicyParameters;
  readonly cost: StepCost;
}

/** Forms iterations. Pure functions of their arguments; names are lane-independent request ids. */
export interface BatchingPolicy {
  readonly name: string;
  /** Requests to admit now, in order; the engine stops at the first that does not fit. */
  admit(view: BatchingView, context: BatchingContext): readonly number[];
  form(view: BatchingView, context: BatchingContext): BatchingChoice;
  /** Whom to preempt when working pages run out. */
  victim(running: readonly RunningView[]): number | undefined;
}
