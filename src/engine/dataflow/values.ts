import { planted } from "../../base/planted-fault.ts";
import type { Bytes } from "../../base/units.ts";
import { DONE, NONE, type Storage, type Value, type ValueId } from "./dataflow-state.ts";
import type { HandleId, TaskId } from "./dataflow-types.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { dropUnwanted, isDurable } from "./instances.ts";

export function createStorage(flow: Flow, handle: HandleId): Storage {
  const { state } = flow;
  const id = state.next.storage++;
  const storage: Storage = { id, handle, values: [], live: 0, lineagePins: 0, instances: [], waiters: [] };
  state.storages.set(id, storage);
  return storage;
}

/** A value held by its handle; `bytes` is the most it can be. */
export function createValue(
  flow: Flow,
  storage: Storage,
  given: { readonly version: number; readonly bytes: Bytes; readonly producer: TaskId },
): Value {
  const { state } = flow;
  const value: Value = {
    id: state.next.value++,
    storage: storage.id,
    ...given,
    sized: false,
    made: false,
    failure: undefined,
    held: 1,
    readers: 0,
    lineageRefs: 0,
    depth: 0,
    waiting: [],
    fetches: [],
  };
  state.values.set(value.id, value);
  storage.values.push(value.id);
  storage.live++;
  return value;
}

function isLive(value: Value): boolean {
  return value.held > 0 || value.readers > 0;
}

export function addReader(flow: Flow, value: Value): void {
  if (!isLive(value)) storageBy(flow, value.storage).live++;
  value.readers++;
}

export function removeReader(flow: Flow, value: Value): void {
  value.readers--;
  settleValue(flow, value);
}

/** The handle moved on. */
export function letGo(flow: Flow, id: ValueId): void {
  if (id === NONE) return;
  const value = valueBy(flow, id);
  value.held--;
  if (planted("early-free")) value.readers = 0;
  settleValue(flow, value);
}

export function addLineage(flow: Flow, value: Value): void {
  value.lineageRefs++;
  storageBy(flow, value.storage).lineagePins++;
}

export function removeLineage(flow: Flow, value: Value): void {
  value.lineageRefs--;
  const storage = storageBy(flow, value.storage);
  storage.lineagePins--;
  if (isLive(value)) return;
  if (storage.lineagePins === 0) dropUnwanted(flow, storage);
  if (value.lineageRefs === 0) forgetValue(flow, value);
}

/** After a holder or reader has gone. */
function settleValue(flow: Flow, value: Value): void {
  if (isLive(value)) return;
  const storage = storageBy(flow, value.storage);
  storage.live--;
  if (storage.live === 0) dropUnwanted(flow, storage);
  if (value.lineageRefs === 0) forgetValue(flow, value);
}

function forgetValue(flow: Flow, value: Value): void {
  const { state } = flow;
  if (!state.values.delete(value.id)) return;
  const storage = storageBy(flow, value.storage);
  storage.values.splice(storage.values.indexOf(value.id), 1);
  if (storage.values.length === 0 && storage.instances.length === 0) state.storages.delete(storage.id);
  settleRecord(flow, value.producer);
}

/** Drops a lineage record that nothing could need again: all it made is at home or forgotten. */
export function settleRecord(flow: Flow, id: TaskId): void {
  const { state } = flow;
  const task = state.tasks.get(id);
  if (task === undefined || task.status !== DONE || planted("lineage-leak")) return;
  for (const { output } of task.uses) {
    const value = output === NONE ? undefined : state.values.get(output);
    if (value !== undefined && value.failure === undefined && !isDurable(storageBy(flow, value.storage), value)) return;
  }
  state.tasks.delete(id);
  for (const { input } of task.uses) if (input !== NONE) removeLineage(flow, valueBy(flow, input));
}

/** A home instance has come: the records of what it holds can go. */
export function settleHome(flow: Flow, storage: Storage): void {
  for (const id of [...storage.values]) {
    const value = flow.state.values.get(id);
    if (value !== undefined && isDurable(storage, value)) settleRecord(flow, value.producer);
  }
}

/** The value is there: tasks that waited for it may go on, and fetches. */
export function wakeReaders(flow: Flow, value: Value, ready: (task: TaskId) => void): void {
  value.made = true;
  if (value.fetches.length > 0) flow.fetchesToLookAt.push(...value.fetches);
  if (value.waiting.length === 0) return;
  const { waiting } = value;
  value.waiting = [];
  for (const id of waiting) {
    const task = taskBy(flow, id);
    if (--task.waits === 0) ready(id);
  }
}
