import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assert, must } from "../../base/assert.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { openDecoderModel } from "../model-store/open-model.ts";
import { sample } from "../sampling/sample.ts";
import type { LoadedStage, StageOutput } from "../stage-driver.ts";
import { stageDriver } from "./driver-by-name.ts";
import type { FromStageWorker, SampledRow, StageHandOver, StageTask, StageWorkerStart } from "./worker-protocol.ts";

/** Entry of the worker thread of one stage: loads it, then runs its tasks one at a time, in the order they come. */
const host = must(parentPort, "a stage worker has a parent");
const start = workerData as StageWorkerStart;
const tasks: StageTask[] = [];
const inputs: StageHandOver[] = [];
let running = false;
/** Time spent behind the last answer. */
let owedNs = 0;

serve().catch(fail);

async function serve(): Promise<void> {
  const model = openDecoderModel(start.modelPath);
  if (model.fingerprint !== start.modelFingerprint) {
    throw new HeddleError("plan-invalid", { where: "model.fingerprint", detail: `${start.modelPath} is another model than the plan's` });
  }
  const driver = await stageDriver(start.stage.driver);
  const stage = await driver.load(model, start.stage, start.limits);
  const next = (): void => {
    advance(stage).catch(fail);
  };
  host.on("message", (task: StageTask) => {
    tasks.push(task);
    next();
  });
  start.input?.on("message", (input: StageHandOver) => {
    inputs.push(input);
    next();
  });
  tell(host, { type: "loaded", stopIds: model.tokenizer.stopIds });
}

/** Runs tasks while the next one and its input are there. */
async function advance(stage: LoadedStage): Promise<void> {
  if (running) return;
  running = true;
  for (let task = tasks[0]; task !== undefined; task = tasks[0]) {
    const input = start.input === undefined ? task.tokens : inputOf(task);
    if (input === undefined) break;
    tasks.shift();
    await run(stage, task, input);
  }
  running = false;
}

function inputOf(task: StageTask): Float32Array | undefined {
  const input = inputs[0];
  if (input === undefined) return undefined;
  assert(input.task === task.task, "activations come in the order of the tasks", { expected: task.task, got: input.task });
  inputs.shift();
  return input.data;
}

/** Answers as soon as there is an answer. What the stage does behind it counts as the next task's time, so that times add up. */
async function run(stage: LoadedStage, task: StageTask, input: Int32Array | Float32Array): Promise<void> {
  let answeredNs: number | undefined;
  const onAnswer = (output: StageOutput): void => {
    answeredNs = output.busyNs;
    answer(stage, task, output);
  };
  const draws = task.sampling?.map(({ sampling }) => sampling);
  const whole = await stage.run(task.step, input, draws, onAnswer);
  if (answeredNs === undefined) answer(stage, task, whole);
  else owedNs = whole.busyNs - answeredNs;
}

function answer(stage: LoadedStage, task: StageTask, { data, busyNs }: StageOutput): void {
  let rows: SampledRow[] | undefined;
  if (start.output === undefined) rows = sampleRows(task, data);
  else {
    const owned = data.byteLength === data.buffer.byteLength ? data : data.slice();
    start.output.postMessage({ task: task.task, data: owned } satisfies StageHandOver, [owned.buffer as ArrayBuffer]);
  }
  tell(host, { type: "done", task: task.task, busyNs: busyNs + owedNs, kvBytes: stage.kvBytes(), rows });
  owedNs = 0;
}

function sampleRows(task: StageTask, logits: Float32Array): SampledRow[] {
  const wanted = must(task.sampling, "the last stage is told how to sample");
  if (wanted.length === 0) return [];
  assert(logits.length % wanted.length === 0, "one row of logits a sample", { values: logits.length, rows: wanted.length });
  const vocabulary = logits.length / wanted.length;
  return wanted.map(({ sampling, index, history, promptTokens }, row) => {
    const values = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
    return sample(values, sampling, { index, history: { tokens: history, promptTokens } });
  });
}

function tell(port: MessagePort, message: FromStageWorker): void {
  port.postMessage(message);
}

/** A stage that cannot go on takes its host along: what its lanes hold is unknown. */
function fail(thrown: unknown): void {
  const known = thrown instanceof HeddleError;
  const error = toHeddleError(thrown);
  const detail = error.detail ?? error.message;
  tell(host, { type: "failed", code: known ? error.code : "device-failed", where: known ? error.where : start.stage.device, detail });
}
