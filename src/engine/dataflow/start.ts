import { must } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import { countRunning, runningNsOf } from "./contention.ts";
import { NONE, RUNNING, type Run, STAGED, type Task } from "./dataflow-state.ts";
import type { Binding, TaskId } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { assertGranted, inputBytes, isUsedIn, memoriesOf } from "./grant.ts";
import { isHeld } from "./hold.ts";
import { instanceAt, touch } from "./instances.ts";
import { bring } from "./moves.ts";
import { isLoaded, startLoad } from "./residency.ts";

/** Goes on with a granted task: asks for data that is missing, loads its stage on idle devices, and starts it when all is there. */
export function pursue(flow: Flow, id: TaskId): void {
  const task = flow.state.tasks.get(id);
  if (task === undefined || task.status !== STAGED || task.grantsLeft > 0) return;
  const hasData = dataIsThere(flow, task);
  let ready = hasData;
  for (const device of task.placed) {
    const { run, load } = flow.state.devices[device]!;
    const idle = (run === NONE || planted("double-start")) && load === NONE;
    const loaded = isLoaded(flow, device, task) || planted("start-unloaded");
    if (!idle || !loaded) ready = false;
    if (idle && !loaded && run === NONE) startLoad(flow, device, task);
  }
  if (ready && !isHeld(flow, task)) start(flow, task);
}

/** Asks for every input in every memory where it is needed and not there. */
function dataIsThere(flow: Flow, task: Task): boolean {
  let there = true;
  const memories = memoriesOf(flow, task.placed);
  for (const use of task.uses) {
    if (use.input === NONE) continue;
    const value = valueBy(flow, use.input);
    for (const memory of memories) {
      if (!isUsedIn(flow, { task, use, memory })) continue;
      const arrival = bring(flow, value, { memory, purpose: "demand" });
      if (arrival === "here") continue;
      there = false;
      // What is gone is being made again, and the task was taken back for it.
      const { waiters } = storageBy(flow, value.storage);
      if (!waiters.includes(task.id)) waiters.push(task.id);
    }
  }
  return there;
}

function start(flow: Flow, task: Task): void {
  const { state, now } = flow;
  assertGranted(task);
  const id = state.next.run++;
  const { contention } = state.histories;
  const runningNs = runningNsOf(contention, task.placed[0]!, now);
  const run: Run = { id, task: task.id, devices: [...task.placed], startedAt: now, runningNs, voided: false };
  state.runs.set(id, run);
  state.staged.delete(task.id);
  task.status = RUNNING;
  task.run = id;
  for (const device of task.placed) {
    const one = state.devices[device]!;
    one.run = id;
    countRunning(contention, device, { by: 1, now });
    one.staged = NONE;
    one.busyUntil = now + task.predictedNs;
    flow.devicesToLookAt.push(device);
  }
  const bindings = task.uses.map((_, i) => bindingOf(flow, task, i));
  flow.commands.push({
    type: "start",
    run: id,
    task: task.id,
    stage: task.stage,
    variant: task.variant,
    devices: run.devices.slice(),
    bindings,
  });
}

function bindingOf(flow: Flow, task: Task, index: number): Binding {
  const use = task.uses[index]!;
  const { handle, mode, member, output, storage, bytesMax } = use;
  if (output === NONE) {
    const { bytes } = valueBy(flow, use.input);
    for (const memory of memoriesOf(flow, task.placed)) {
      if (isUsedIn(flow, { task, use, memory })) touch(flow, storageBy(flow, storage), memory);
    }
    return { handle, mode, storage, member, bytes, bytesMax: bytes, discard: false };
  }
  const bytes = inputBytes(flow, use);
  const discard = task.discards[index]!;
  if (!discard) {
    const memory = flow.map.memoryOf[must(task.placed[member], "a member has a device")]!;
    must(instanceAt(storageBy(flow, storage), memory), "an output has its place").allocated = true;
  }
  return { handle, mode, storage, member, bytes, bytesMax: bytes + bytesMax, discard };
}
