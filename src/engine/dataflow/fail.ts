import { planted } from "../../base/planted-fault.ts";
import { ASSIGNED, BLOCKED, DONE, NONE, READY, STAGED, type Task, type Value } from "./dataflow-state.ts";
import type { DataflowFailure } from "./dataflow-types.ts";
import { type Flow, valueBy } from "./flow.ts";
import { unassign } from "./place.ts";
import { makeReady, removeReady } from "./ready.ts";
import { unstage } from "./stage-next.ts";
import { countWaits } from "./submit.ts";
import { addReader, removeLineage, removeReader } from "./values.ts";

/** A task that does not run ends with an error; what it would have made fails, and so do the tasks and fetches that read it. */
export function failTask(flow: Flow, task: Task, failure: DataflowFailure): void {
  const { state } = flow;
  takeBack(flow, task);
  state.tasks.delete(task.id);
  if (!task.again && task.id >= 0) {
    state.pending--;
    flow.commands.push({ type: "task-ended", task: task.id, failure });
  }
  for (const { output } of task.uses) {
    const value = output === NONE ? undefined : state.values.get(output);
    if (value !== undefined && !value.made) failValue(flow, value, failure);
  }
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    if (task.again) removeLineage(flow, value);
    if (state.values.has(input)) removeReader(flow, value);
  }
}

export function failValue(flow: Flow, value: Value, failure: DataflowFailure): void {
  value.failure = failure;
  if (!planted("forgotten-dependants")) flow.tasksToFail.push(...value.waiting);
  flow.fetchesToLookAt.push(...value.fetches);
}

/** Fails a task one of whose inputs has failed; nothing where that is not so any more. */
export function failForInput(flow: Flow, task: Task): void {
  for (const { input } of task.uses) {
    const value = input === NONE ? undefined : flow.state.values.get(input);
    if (value?.failure === undefined) continue;
    const { failure, producer } = value;
    failTask(flow, task, failure.code === "input-lost" ? failure : { code: "input-failed", task: producer });
    return;
  }
}

/** Takes a task out of wherever it waits; it is blocked, and waits for nothing. */
export function takeBack(flow: Flow, task: Task): void {
  if (task.status === READY) removeReady(flow, task);
  else if (task.status === ASSIGNED) unassign(flow, task);
  else if (task.status === STAGED) unstage(flow, task);
  task.status = BLOCKED;
  if (task.waits === 0) return;
  for (const { input } of task.uses) {
    const value = input === NONE ? undefined : flow.state.values.get(input);
    if (value !== undefined) value.waiting = value.waiting.filter((id) => id !== task.id);
  }
  task.waits = 0;
}

/** Lets a task that does not run wait for its inputs anew, and go on when they are there. */
export function retry(flow: Flow, task: Task): void {
  takeBack(flow, task);
  countWaits(flow, task);
  if (task.waits === 0) makeReady(flow, task.id);
}

/** Makes a value again that is gone: runs its task once more, after those that make what it reads. */
export function makeAgain(flow: Flow, value: Value): void {
  const { state } = flow;
  if (value.made || value.failure !== undefined) return;
  const task = state.tasks.get(value.producer);
  if (task === undefined || planted("lost-lineage")) {
    failValue(flow, value, { code: "input-lost", handle: state.storages.get(value.storage)?.handle ?? NONE });
    return;
  }
  // Otherwise it is on its way already.
  if (task.status !== DONE) return;
  state.counts.recoveries++;
  task.again = true;
  task.status = BLOCKED;
  for (const { input } of task.uses) if (input !== NONE) addReader(flow, valueBy(flow, input));
  retry(flow, task);
}
