import { must } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import { countRunning, runningNsOf, wantsAlone } from "./contention.ts";
import { DONE, NONE, type Run, type Task } from "./dataflow-state.ts";
import { HOME, type TaskFinished } from "./dataflow-types.ts";
import { failTask, retry } from "./fail.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { historyOf, recordRun } from "./histories.ts";
import { instanceAt, isDurable } from "./instances.ts";
import { bring } from "./moves.ts";
import { countUnderWay } from "./place.ts";
import { makeReady } from "./ready.ts";
import { release } from "./stage-next.ts";
import { addLineage, removeReader, settleRecord, wakeReaders } from "./values.ts";

/** Takes a finished run: what it made is there, its leases end, and whoever waited goes on. */
export function finishRun(flow: Flow, event: TaskFinished): void {
  const { state } = flow;
  const run = state.runs.get(event.run);
  if (run === undefined) {
    state.counts.stale++;
    return;
  }
  const task = taskBy(flow, run.task);
  if (run.voided) {
    endVoided(flow, run);
    return;
  }
  learn(flow, task, { run, durationNs: event.durationNs });
  const oversize = oversizeOf(task, event.bytes);
  if (oversize !== undefined) {
    endRun(flow, run);
    failTask(flow, task, oversize);
    return;
  }
  const devices = task.placed;
  takeOutputs(flow, task, event.bytes);
  endRun(flow, run);
  endTask(flow, task);
  for (const { output } of task.uses) {
    const value = flow.state.values.get(output);
    if (value === undefined) continue;
    // Asked for after it was decided that nobody wants it.
    if (!value.made && (value.waiting.length > 0 || value.fetches.length > 0)) flow.valuesToMake.push(value.id);
  }
  for (const device of devices) flow.devicesToLookAt.push(device);
}

/** The books after the end of a run, however it ended: devices are idle, leases are over. */
export function endRun(flow: Flow, run: Run): void {
  const { state } = flow;
  const task = taskBy(flow, run.task);
  state.runs.delete(run.id);
  for (const device of run.devices) {
    const one = state.devices[device]!;
    one.run = NONE;
    countRunning(state.histories.contention, device, { by: -1, now: flow.now });
    one.busyUntil = flow.now;
    flow.devicesToLookAt.push(device);
    if (one.staged !== NONE) flow.tasksToLookAt.push(one.staged);
  }
  countUnderWay(flow, task, -1);
  release(flow, task, run.devices);
  task.placed = [];
  task.run = NONE;
}

/** A run that lost a member, or whose task was cancelled, has ended on its last device. */
export function endVoided(flow: Flow, run: Run): void {
  const task = taskBy(flow, run.task);
  endRun(flow, run);
  if (task.cancelled) failTask(flow, task, { code: "cancelled" });
  else if (++task.losses > flow.config.limits.lossesMax) {
    failTask(flow, task, { code: "device-failed", attempts: task.failures + task.losses, detail: "its devices were lost" });
  } else retry(flow, task);
}

function learn(flow: Flow, task: Task, { run, durationNs }: { readonly run: Run; readonly durationNs: number }): void {
  const { histories, stages } = flow.state;
  const { operator, variants } = must(stages.get(task.stage), "a task's stage is known");
  const history = historyOf(histories, { operator, variant: task.variant, footprint: task.footprint });
  const { priorNs } = variants[task.variant]!;
  const { contention } = histories;
  const wanted = run.devices.some((device) => wantsAlone(contention, device));
  const others = othersOf(flow, run);
  for (const device of run.devices) recordRun(histories, history, { device, unitNs: durationNs / task.work, priorNs, others });
  // Those that stood still for it may take over work again.
  if (wanted && !run.devices.some((device) => wantsAlone(contention, device)))
    flow.devicesToLookAt.push(...flow.map.devicesOfMachine[contention.machineOf[run.devices[0]!]!]!);
}

/** Devices of the machine that ran beside those of the run, in the mean. */
function othersOf({ state, now }: Flow, { devices, startedAt, runningNs }: Run): number {
  if (now <= startedAt) return 0;
  const allNs = runningNsOf(state.histories.contention, devices[0]!, now) - runningNs;
  return Math.max(0, allNs / (now - startedAt) - devices.length);
}

function oversizeOf(task: Task, sizes: readonly number[]) {
  const outputs = task.uses.filter(({ output }) => output !== NONE);
  for (let i = 0; i < outputs.length; i++) {
    const bytes = sizes[i] ?? Infinity;
    const { bytesMax } = outputs[i]!;
    if (!(bytes >= 0 && bytes <= bytesMax)) return { code: "oversize", bytes, bytesMax } as const;
  }
  return undefined;
}

function takeOutputs(flow: Flow, task: Task, sizes: readonly number[]): void {
  let next = 0;
  task.uses.forEach(({ output, input, mode, storage: id, version, member }, i) => {
    if (output === NONE) return;
    const added = sizes[next++]!;
    if (task.discards[i]!) return;
    const storage = storageBy(flow, id);
    const instance = must(instanceAt(storage, flow.map.memoryOf[task.placed[member]!]!), "an output has its place");
    const bytes = (mode === "append" && input !== NONE ? valueBy(flow, input).bytes : 0) + added;
    const value = flow.state.values.get(output);
    if (value !== undefined && !value.sized) {
      value.bytes = bytes;
      value.sized = true;
      value.depth = depthOf(flow, task);
    }
    if (version <= instance.version) return;
    instance.version = version;
    instance.bytes = planted("wrong-size") ? 0 : (value?.bytes ?? bytes);
    if (value === undefined) return;
    wakeReaders(flow, value, (reader) => makeReady(flow, reader));
    const live = value.held > 0 || value.readers > 0;
    const { lineageDepthMax } = flow.config.limits;
    if (instance.memory !== HOME && live && value.depth % lineageDepthMax === 0)
      bring(flow, value, { memory: HOME, purpose: "checkpoint" });
  });
}

/** Runs in a row since what is at home. */
function depthOf(flow: Flow, task: Task): number {
  let depth = 0;
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    if (value.depth > depth && !isDurable(storageBy(flow, value.storage), value)) depth = value.depth;
  }
  return depth + 1;
}

/** The task is done: it stays as lineage while what it made could be lost. */
function endTask(flow: Flow, task: Task): void {
  const { state } = flow;
  task.status = DONE;
  if (!task.again) {
    if (task.id >= 0) {
      state.pending--;
      if (planted("double-end") && task.id % 5 === 0) flow.commands.push({ type: "task-ended", task: task.id });
      if (!planted("lost-end")) flow.commands.push({ type: "task-ended", task: task.id });
    }
    for (const { input } of task.uses) if (input !== NONE) addLineage(flow, valueBy(flow, input));
  }
  task.again = false;
  for (const { input } of task.uses) if (input !== NONE) removeReader(flow, valueBy(flow, input));
  settleRecord(flow, task.id);
}
