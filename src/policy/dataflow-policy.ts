import type { Nanoseconds, Ratio } from "../base/units.ts";
import type { BatchSchedule, BatchView } from "./batch-schedule/batch-view.ts";
import type { CountedList } from "./batching.ts";

/** What a prediction rests on, best first. */
export type PredictionBasis = "measured" | "like-device" | "prior" | "guess";

/** A device, with one of its variants, that could run a task. All times are predictions. */
export interface CandidateView {
  readonly device: number;
  readonly class: number;
  readonly variant: number;
  /** When the device has done what is ahead of the task there. */
  readonly deviceReadyAt: Nanoseconds;
  /** When the last input could be there, queues on the links counted. */
  readonly dataReadyAt: Nanoseconds;
  /** What copying the inputs takes that only other devices have, whether it is hidden or not. */
  readonly movedNs: Nanoseconds;
  /** Load or reconfiguration before the run; 0 where the stage is loaded. */
  readonly loadNs: Nanoseconds;
  /** Run time of this kind so far, on all devices, where a loaded stage stays; 0 where stages make room for one another. */
  readonly spentNs: Nanoseconds;
  readonly runNs: Nanoseconds;
  /** What its run takes from runs of other devices of the machine, of their time; 0 where devices share nothing. */
  readonly burdenNs: Nanoseconds;
  /** What the task would take on the quickest other device, were this one idle; Infinity where there is none, or where this one shares nothing. */
  readonly elsewhereNs: Nanoseconds;
  readonly joules: number;
  readonly basis: PredictionBasis;
  /** Runs of this kind measured on this device, and runs under way there that will be. */
  readonly samples: number;
  readonly samplesUnderWay: number;
  /** The task failed there before. */
  readonly failedBefore: boolean;
  /** Its queue takes no more now; choosing it leaves the task waiting. */
  readonly full: boolean;
}

/** A ready task as a policy sees it. */
export interface PlacedTaskView {
  readonly task: number;
  readonly priority: number;
  /** Devices of one class that it needs at once. */
  readonly gang: number;
  readonly now: Nanoseconds;
  /** Device and end that a schedule of its batch gave it; -1 without one. */
  readonly scheduledOn: number;
  readonly scheduledEndAt: Nanoseconds;
}

export interface UrgencyView {
  readonly task: number;
  readonly priority: number;
  /** Predicted time from its start to the end of the last task known to depend on it; of a scheduled batch, from its start to the batch's end. */
  readonly upwardRankNs: Nanoseconds;
}

export interface DataflowPolicyParameters {
  /** What a joule is worth. 0: energy does not count. */
  readonly energyNsPerJoule: number;
  /** An unmeasured (kind of run, device) is tried at least so often, where the price allows. */
  readonly exploreSamples: number;
  /** Price of a try: the task may end later by so many times its predicted run. */
  readonly explorePriceMax: Ratio;
}

/**
 * Decides the order of ready tasks and where each goes. Pure; it has no state.
 *
 * The engine keeps every invariant whatever it answers: an answer that is no choice among the candidates is counted and replaced by the default.
 */
export interface DataflowPolicy {
  readonly name: string;
  /** It changes nothing of what it is shown: it gets no copies. Of policies that are not the caller's own. */
  readonly onlyReads?: true;
  /** Larger goes first among tasks of one priority. */
  urgency(task: UrgencyView): number;
  /** Where and when each task of a batch is to run that has the rack to itself; `undefined`: task by task. A policy need not have it. */
  schedule?(batch: BatchView): BatchSchedule | undefined;
  /** Indices into `candidates`: one, or for a gang so many of one class and variant on different devices. Empty: let it wait. */
  place(task: PlacedTaskView, candidates: CountedList<CandidateView>, parameters: DataflowPolicyParameters): readonly number[];
}
