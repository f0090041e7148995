import { must } from "../base/assert.ts";
import type { HeddleError } from "../base/heddle-error.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { HandleId, TaskId } from "../engine/dataflow/dataflow-types.ts";
import type { ExpectedTensor } from "./bind-sizes.ts";
import type { GangMemberSummary, RunSummary } from "./sdk-types.ts";

/** A run under way: its tasks, what they came to, and its outputs. */
export interface RunRecord {
  readonly id: number;
  readonly graph: string;
  readonly startNs: Nanoseconds;
  /** By name. What is expected of an output is known once its tasks are submitted. */
  readonly outputs: Map<string, { readonly handle: HandleId; expected: ExpectedTensor | undefined }>;
  /** Handles of its own between stages and for inputs: forgotten with it. */
  readonly handles: HandleId[];
  /** Tasks that have not ended; undefined until they are submitted. */
  tasks: Set<TaskId> | undefined;
  readonly stages: Map<TaskId, StageRecord>;
  readonly transfers: RunSummary["transfers"][number][];
  failure: HeddleError | undefined;
  /** A task got nothing to read, because a task before it failed. */
  inputFailed: boolean;
  readonly done: Promise<RunSummary>;
  readonly resolve: (summary: RunSummary) => void;
  readonly reject: (error: HeddleError) => void;
}

export interface StageRecord {
  readonly stage: string;
  device: string;
  startNs: Nanoseconds;
  busyNs: Nanoseconds;
  predictedNs: Nanoseconds | undefined;
  starts: number;
  members?: readonly GangMemberSummary[];
}

export function createRunRecord(id: number, graph: string, startNs: Nanoseconds): RunRecord {
  let ends: Pick<RunRecord, "resolve" | "reject"> | undefined;
  const done = new Promise<RunSummary>((resolve, reject) => {
    ends = { resolve, reject };
  });
  // Whoever does not ask for the summary asks for outputs, and gets the error there.
  done.catch(() => undefined);
  const { resolve, reject } = must(ends, "a promise calls its executor at once");
  return {
    id,
    graph,
    startNs,
    outputs: new Map(),
    handles: [],
    tasks: undefined,
    stages: new Map(),
    transfers: [],
    failure: undefined,
    inputFailed: false,
    done,
    resolve,
    reject,
  };
}

export function summaryOf({ id, startNs, stages, transfers }: RunRecord, endNs: Nanoseconds): RunSummary {
  return {
    run: id,
    startNs,
    endNs,
    stages: [...stages.values()].map(({ starts, ...stage }) => ({ ...stage, retries: Math.max(0, starts - 1) })),
    transfers,
  };
}
