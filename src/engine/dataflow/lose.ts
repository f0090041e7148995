import { planted } from "../../base/planted-fault.ts";
import { countRunning } from "./contention.ts";
import { ASSIGNED, DONE, NONE, RUNNING, STAGED, type Task } from "./dataflow-state.ts";
import { type DeviceId, HOME, type HostId, type MemoryId, type TaskId } from "./dataflow-types.ts";
import { failTask, retry } from "./fail.ts";
import { endVoided } from "./finish.ts";
import { type Flow, taskBy } from "./flow.ts";
import { forgetInstance, giveBack, instanceAt } from "./instances.ts";
import { endTransfer } from "./moves.ts";

/** A process is gone with its devices and memories. */
export function loseHost(flow: Flow, host: HostId, mayReturn: boolean): void {
  const { memories, devices } = flow.state;
  const lost = devices.flatMap((_, device) => (flow.map.hostOf[device] === host ? [device] : []));
  const lostMemories = memories.flatMap((memory, id) => (id !== HOME && memory.host === host && memory.alive ? [id] : []));
  lose(flow, { devices: lost, memories: lostMemories, mayReturn });
}

/** A device is gone, and its memory unless another living device is there. */
export function loseDevice(flow: Flow, device: DeviceId, mayReturn: boolean): void {
  const memory = flow.map.memoryOf[device]!;
  const others = flow.map.devicesOfMemory[memory]!.some((other) => other !== device && flow.state.devices[other]!.alive);
  const memories = memory === HOME || others || !flow.state.memories[memory]!.alive ? [] : [memory];
  lose(flow, { devices: [device], memories, mayReturn });
}

interface Loss {
  readonly devices: readonly DeviceId[];
  readonly memories: readonly MemoryId[];
  readonly mayReturn: boolean;
}

function lose(flow: Flow, loss: Loss): void {
  loseMemories(flow, loss.memories);
  const assigned = loss.devices.flatMap((device) => loseOne(flow, device, loss.mayReturn));
  for (const id of assigned) {
    const task = taskBy(flow, id);
    if (task.status === ASSIGNED || task.status === STAGED) retry(flow, task);
  }
  const lost = (device: DeviceId): boolean => loss.devices.includes(device);
  for (const run of [...flow.state.runs.values()]) {
    const rest = run.devices.filter((device) => !lost(device));
    if (rest.length === run.devices.length) continue;
    run.devices = rest;
    forgetLeases(taskBy(flow, run.task), loss.memories);
    if (rest.length === 0) endVoided(flow, run);
    else if (!run.voided) {
      run.voided = !planted("gang-survives-loss");
      if (run.voided) flow.commands.push({ type: "abort", run: run.id });
    }
  }
  for (const task of [...flow.state.tasks.values()]) {
    if (!isWaiting(task)) continue;
    if (task.placed.some(lost) || isShort(flow, task)) retry(flow, task);
  }
  for (const { id } of flow.state.fetches.values()) flow.fetchesToLookAt.push(id);
  if (!loss.mayReturn) failHomeless(flow);
}

/** What a task held in a lost memory is not given back: the memory may be there again, empty, before its run ends. */
function forgetLeases(task: Task, lost: readonly MemoryId[]): void {
  const leases: number[] = [];
  for (let i = 0; i < task.leases.length; i += 2)
    if (!lost.includes(task.leases[i + 1]!)) leases.push(task.leases[i]!, task.leases[i + 1]!);
  const scratch: number[] = [];
  for (let i = 0; i < task.scratch.length; i += 2)
    if (!lost.includes(task.scratch[i]!)) scratch.push(task.scratch[i]!, task.scratch[i + 1]!);
  task.leases = leases;
  task.scratch = scratch;
}

function isWaiting({ status }: Task): boolean {
  return status !== RUNNING && status !== DONE;
}

/** It waits for fewer inputs than are missing. */
function isShort(flow: Flow, task: Task): boolean {
  let missing = 0;
  for (const { input } of task.uses) if (input !== NONE && flow.state.values.get(input)?.made === false) missing++;
  return missing !== task.waits;
}

/** Everything in the memories is gone; transfers from and to them have ended. */
function loseMemories(flow: Flow, lost: readonly MemoryId[]): void {
  const { state } = flow;
  if (lost.length === 0) return;
  for (const memory of lost) state.memories[memory]!.alive = false;
  for (const transfer of [...state.transfers.values()]) {
    if (!lost.includes(transfer.source) && !lost.includes(transfer.target)) continue;
    endTransfer(flow, transfer, undefined);
  }
  for (const storage of [...state.storages.values()]) {
    for (const memory of lost) {
      const instance = instanceAt(storage, memory);
      if (instance !== undefined) forgetInstance(flow, storage, instance);
    }
  }
  for (const memory of lost) {
    const one = state.memories[memory]!;
    one.used = 0;
    one.writingBack = 0;
    one.recent.clear();
  }
}

/** The books of a lost device; what was assigned to it is returned. */
function loseOne(flow: Flow, device: DeviceId, mayReturn: boolean): TaskId[] {
  const { state } = flow;
  const one = state.devices[device]!;
  const memory = flow.map.memoryOf[device]!;
  if (state.memories[memory]!.alive) giveBack(flow, memory, one.residentBytes);
  one.alive = false;
  one.mayReturn = mayReturn;
  one.residents.clear();
  one.residentBytes = 0;
  one.compiled.clear();
  one.lastAssigned = NONE;
  if (one.load !== NONE) state.loads.delete(one.load);
  one.load = NONE;
  if (one.run !== NONE) countRunning(state.histories.contention, device, { by: -1, now: flow.now });
  one.run = NONE;
  return [...one.queue, ...one.gangs, ...(one.staged === NONE ? [] : [one.staged])];
}

/** Tasks that no device there will ever be can run. */
function failHomeless(flow: Flow): void {
  const { state, map } = flow;
  for (const task of [...state.tasks.values()]) {
    if (!isWaiting(task) || !state.tasks.has(task.id)) continue;
    const { variants } = state.stages.get(task.stage)!;
    const able = variants.some(({ class: deviceClass }) => {
      const devices = (map.devicesOfClass[deviceClass] ?? []).filter((device) => task.devices?.includes(device) ?? true);
      return devices.filter((device) => state.devices[device]!.alive || state.devices[device]!.mayReturn).length >= task.gang;
    });
    if (!able) failTask(flow, task, { code: "no-device", stage: task.stage });
  }
}

/** A device is there, empty. */
export function joinDevice(flow: Flow, device: DeviceId): void {
  const { state } = flow;
  const one = state.devices[device]!;
  if (one.alive) {
    state.counts.stale++;
    return;
  }
  one.alive = true;
  one.mayReturn = true;
  one.busyUntil = flow.now;
  state.memories[flow.map.memoryOf[device]!]!.alive = true;
  flow.devicesToLookAt.push(device);
}
