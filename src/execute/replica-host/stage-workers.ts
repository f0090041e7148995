import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { assert, must } from "../../base/assert.ts";
import { ERROR_CODES, type ErrorCode } from "../../base/error-codes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import type { Plan } from "../../plan/plan.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import type { TaskInput } from "./task-book.ts";
import type { FromStageWorker, SampledRow, StageTask, StageWorkerStart } from "./worker-protocol.ts";

/** The worker threads of a replica's stages, chained by ports. They live as long as their process. */
export interface StageWorkers {
  readonly stopIds: readonly number[];
  start(task: TaskId, step: StepTask, input: TaskInput): void;
}

export interface StagesDone {
  readonly task: TaskId;
  /** Busy time of each stage. */
  readonly stageNs: readonly Nanoseconds[];
  readonly kvBytes: number;
  readonly rows: readonly SampledRow[];
}

export interface StageWorkersOptions {
  readonly onDone: (done: StagesDone) => void;
  /** A stage cannot go on; its process must end. */
  readonly onFailure: (error: HeddleError) => void;
}

interface TaskProgress {
  readonly stageNs: number[];
  kvBytes: number;
  left: number;
  rows: readonly SampledRow[];
}

/** Starts one worker a stage; resolves when all are loaded. Errors: those of the model's reader and of the driver. */
export async function startStageWorkers(plan: Plan, replica: number, options: StageWorkersOptions): Promise<StageWorkers> {
  const { stages, maxSequences, contextLimit, workingPages } = must(plan.replicas[replica], "a replica of the plan");
  const limits = { maxSequences, contextLimit, workingPages };
  const channels = stages.slice(1).map(() => new MessageChannel());
  const progress = new Map<TaskId, TaskProgress>();
  const loading = stages.map((stage, index) => {
    const input = channels[index - 1]?.port2;
    const output = channels[index]?.port1;
    const { path: modelPath, fingerprint: modelFingerprint } = plan.model;
    const start: StageWorkerStart = { modelPath, modelFingerprint, stage, limits, input, output };
    return startWorker(start, {
      onDone: (done) => note(progress, options, { index, done }),
      onFailure: options.onFailure,
    });
  });
  const loaded = await Promise.all(loading);
  const workers = loaded.map(({ worker }) => worker);
  return {
    stopIds: loaded[0]!.stopIds,
    start: (task, step, input) => {
      progress.set(task, { stageNs: stages.map(() => 0), kvBytes: 0, left: stages.length, rows: [] });
      workers.forEach((worker, index) => {
        const tokens = index === 0 ? input.tokens : undefined;
        const sampling = index === workers.length - 1 ? input.sampling : undefined;
        const message: StageTask = { task, step, tokens, sampling };
        worker.postMessage(message, tokens === undefined ? [] : [tokens.buffer as ArrayBuffer]);
      });
    },
  };
}

type Done = Extract<FromStageWorker, { type: "done" }>;

/** A task is done when every stage has said so: their messages come over different ports. */
function note(progress: Map<TaskId, TaskProgress>, options: StageWorkersOptions, from: { index: number; done: Done }): void {
  const { task, busyNs, kvBytes, rows } = from.done;
  const state = must(progress.get(task), "a stage ends a task once");
  state.stageNs[from.index] = Math.max(0, Math.round(busyNs));
  state.kvBytes += kvBytes;
  if (rows !== undefined) state.rows = rows;
  state.left--;
  assert(state.left >= 0, "a stage ends a task once", { task });
  if (state.left > 0) return;
  progress.delete(task);
  options.onDone({ task, stageNs: state.stageNs, kvBytes: state.kvBytes, rows: state.rows });
}

interface WorkerHandlers {
  readonly onDone: (done: Done) => void;
  readonly onFailure: (error: HeddleError) => void;
}

function startWorker(
  start: StageWorkerStart,
  handlers: WorkerHandlers,
): Promise<{ readonly worker: Worker; readonly stopIds: readonly number[] }> {
  const transferList = [start.input, start.output].filter((port): port is MessagePort => port !== undefined);
  const worker = new Worker(compiledEntry("replica-host/stage-worker"), { workerData: start, transferList });
  return new Promise((resolve, reject) => {
    const fail = (error: HeddleError): void => {
      reject(error);
      handlers.onFailure(error);
    };
    worker.on("message", (message: FromStageWorker) => {
      if (message.type === "done") handlers.onDone(message);
      else if (message.type === "loaded") resolve({ worker, stopIds: message.stopIds });
      else fail(failureOf(message));
    });
    worker.on("error", (cause) => fail(new HeddleError("device-failed", { where: start.stage.device, detail: String(cause), cause })));
    worker.on("exit", (code) =>
      fail(new HeddleError("device-failed", { where: start.stage.device, detail: `its worker ended (${code})` })),
    );
  });
}

function failureOf(message: Extract<FromStageWorker, { type: "failed" }>): HeddleError {
  const code: ErrorCode = message.code in ERROR_CODES ? (message.code as ErrorCode) : "device-failed";
  return new HeddleError(code, { detail: message.detail, ...(message.where === undefined ? {} : { where: message.where }) });
}
