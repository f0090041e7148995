import { must } from "../../base/assert.ts";
import { STAGED } from "./dataflow-state.ts";
import { type DataflowEvent, HOME, type LoadId, type TransferId } from "./dataflow-types.ts";
import { failTask, retry } from "./fail.ts";
import { failFetch } from "./fetch.ts";
import { endRun, endVoided } from "./finish.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { instanceAt } from "./instances.ts";
import { bring, endTransfer } from "./moves.ts";
import { endLoad } from "./residency.ts";

/** A run failed: the task runs elsewhere, a bounded number of times. */
export function failRun(flow: Flow, event: Extract<DataflowEvent, { type: "task-failed" }>): void {
  const { state, config } = flow;
  const run = state.runs.get(event.run);
  if (run === undefined) {
    state.counts.stale++;
    return;
  }
  if (run.voided) {
    endVoided(flow, run);
    return;
  }
  const task = taskBy(flow, run.task);
  task.failures++;
  for (const device of run.devices) if (!task.failedOn.includes(device)) task.failedOn.push(device);
  endRun(flow, run);
  if (event.permanent === true || task.failures >= config.limits.attemptsMax) {
    failTask(flow, task, { code: "device-failed", attempts: task.failures, detail: event.detail });
  } else retry(flow, task);
}

export function finishTransfer(flow: Flow, id: TransferId, durationNs: number): void {
  const { state } = flow;
  const transfer = state.transfers.get(id);
  if (transfer === undefined) {
    state.counts.stale++;
    return;
  }
  endTransfer(flow, transfer, durationNs);
  if (transfer.onward < 0 || !state.memories[transfer.onward]!.alive) return;
  for (const value of state.storages.get(transfer.storage)?.values ?? []) {
    const one = valueBy(flow, value);
    if (one.version === transfer.version && one.readers > 0) bring(flow, one, { memory: transfer.onward, purpose: "prefetch" });
  }
}

/** A transfer failed: it is asked for again by whoever waits for it, a bounded number of times each. */
export function failTransfer(flow: Flow, id: TransferId, detail: string): void {
  const { state, config } = flow;
  const transfer = state.transfers.get(id);
  if (transfer === undefined) {
    state.counts.stale++;
    return;
  }
  const { transferFailuresMax } = config.limits;
  const storage = storageBy(flow, transfer.storage);
  const waiters = [...storage.waiters];
  const fetches = transfer.target === HOME ? storage.values.flatMap((value) => valueBy(flow, value).fetches) : [];
  endTransfer(flow, transfer, undefined);
  for (const waiter of waiters) {
    const task = state.tasks.get(waiter);
    if (task?.status !== STAGED || ++task.transferFailures <= transferFailuresMax) continue;
    failTask(flow, task, { code: "transfer-failed", attempts: task.transferFailures, detail });
  }
  for (const fetch of fetches) {
    const one = must(state.fetches.get(fetch), "a value knows its fetches");
    if (!one.delivered && ++one.transferFailures > transferFailuresMax)
      failFetch(flow, fetch, { code: "transfer-failed", attempts: one.transferFailures, detail });
  }
}

/** A load failed: the task that needed it tries elsewhere. */
export function failLoad(flow: Flow, id: LoadId, detail: string): void {
  const { state, config } = flow;
  const load = state.loads.get(id);
  if (load === undefined) {
    state.counts.stale++;
    return;
  }
  const { staged } = state.devices[load.device]!;
  const task = state.tasks.get(staged);
  endLoad(flow, id, false);
  if (task === undefined || task.stage !== load.stage || task.variant !== load.variant) return;
  task.failures++;
  if (!task.failedOn.includes(load.device)) task.failedOn.push(load.device);
  if (task.failures < config.limits.attemptsMax) retry(flow, task);
  else failTask(flow, task, { code: "device-failed", attempts: task.failures, detail });
}

/** Whether nothing is under way that could still change something. */
export function isQuiet({ state }: Flow): boolean {
  return state.runs.size === 0 && state.transfers.size === 0 && state.loads.size === 0;
}

/**
 * Nothing moves and something waits for room: it cannot be had. Fails the oldest that waits; false where nothing does.
 *
 * Why it happens: home has a limit and is full of what has no other place.
 */
export function failStuck(flow: Flow): boolean {
  const { state } = flow;
  for (const id of state.staged.keys()) {
    const task = taskBy(flow, id);
    const at = state.memories.findIndex(({ waiting }) => waiting.includes(id));
    const memory = Math.max(HOME, at);
    const { capacity, used } = state.memories[memory]!;
    failTask(flow, task, { code: "capacity", neededBytes: needOf(flow, id), freeBytes: capacity - used, memory });
    return true;
  }
  for (const fetch of state.fetches.values()) {
    const value = valueBy(flow, fetch.value);
    if (fetch.delivered || !value.made || instanceAt(storageBy(flow, value.storage), HOME)?.version === value.version) continue;
    const { capacity, used } = state.memories[HOME]!;
    failFetch(flow, fetch.id, { code: "capacity", neededBytes: value.bytes, freeBytes: capacity - used, memory: HOME });
    return true;
  }
  return false;
}

function needOf(flow: Flow, id: number): number {
  let bytes = 0;
  for (const { input, output, bytesMax } of taskBy(flow, id).uses) {
    bytes += (input < 0 ? 0 : valueBy(flow, input).bytes) + (output < 0 ? 0 : bytesMax);
  }
  return bytes;
}
