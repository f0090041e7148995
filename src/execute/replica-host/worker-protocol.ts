import type { MessagePort } from "node:worker_threads";
import type { Nanoseconds } from "../../base/units.ts";
import type { StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import type { StagePlan } from "../../plan/plan.ts";
import type { Sampling, TokenLogprobs } from "../sampling/sampling.ts";
import type { StageLimits } from "../stage-driver.ts";

/** What a stage worker is started with. */
export interface StageWorkerStart {
  readonly modelPath: string;
  readonly modelFingerprint: string;
  readonly stage: StagePlan;
  readonly limits: StageLimits;
  /** Activations from the stage before; absent for the first. */
  readonly input: MessagePort | undefined;
  /** Activations for the stage after; absent for the last. */
  readonly output: MessagePort | undefined;
}

/** Replica host to stage worker: one iteration. Tasks come in the order they are to be run. */
export interface StageTask {
  readonly task: TaskId;
  readonly step: StepTask;
  /** For the first stage. */
  readonly tokens: Int32Array | undefined;
  /** For the last stage: one entry per sampled row. */
  readonly sampling: readonly RowSampling[] | undefined;
}

/** How the next token of one row is drawn. */
export interface RowSampling {
  readonly sampling: Sampling;
  /** Index of the token among the request's generated ones. */
  readonly index: number;
  /** Tokens before it, where penalties need them. */
  readonly history: Int32Array;
  readonly promptTokens: number;
}

export interface SampledRow {
  readonly token: number;
  readonly logprobs: TokenLogprobs | undefined;
}

/** Stage worker to stage worker, over a port of their own; the buffer is transferred. */
export interface StageHandOver {
  readonly task: TaskId;
  readonly data: Float32Array;
}

/** Stage worker to replica host. */
export type FromStageWorker =
  | { readonly type: "loaded"; readonly stopIds: readonly number[] }
  | {
      readonly type: "done";
      readonly task: TaskId;
      readonly busyNs: Nanoseconds;
      readonly kvBytes: number;
      /** From the last stage. */
      readonly rows: readonly SampledRow[] | undefined;
    }
  | { readonly type: "failed"; readonly code: string; readonly where: string | undefined; readonly detail: string };
