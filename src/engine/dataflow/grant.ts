import { assert, must } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import type { Bytes } from "../../base/units.ts";
import { type Instance, NONE, type Storage, type Task, type Use } from "./dataflow-state.ts";
import type { DeviceId, MemoryId } from "./dataflow-types.ts";
import { makeRoom } from "./evict.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { freeBytes, instanceAt, isSomewhere, lease } from "./instances.ts";
import { leaveResident, roomForResident, takeResident } from "./residency.ts";

/** What a staged task must have in one memory. */
interface Need {
  readonly storages: Storage[];
  /** By storage: length its instance must be able to have. */
  readonly bytes: Bytes[];
  /** For outputs nobody wants. */
  scratch: Bytes;
}

/**
 * Gives staged tasks the room they need in a memory, oldest first and all at once.
 *
 * Why no wait can form a ring: a staged task waits only for older ones and for runs and transfers under way, which wait for nothing.
 */
export function grantIn(flow: Flow, memory: MemoryId): void {
  const { waiting } = flow.state.memories[memory]!;
  while (waiting.length > 0) {
    const task = taskBy(flow, waiting[0]!);
    if (!grant(flow, task, memory)) return;
    waiting.shift();
    task.grantedIn.push(memory);
    task.grantsLeft--;
    if (task.grantsLeft === 0) flow.tasksToLookAt.push(task.id);
  }
}

function grant(flow: Flow, task: Task, memory: MemoryId): boolean {
  const devices = task.placed.filter((device) => flow.map.memoryOf[device] === memory);
  const need = needIn(flow, task, memory);
  let missing = need.scratch;
  for (const device of devices) {
    const weights = roomForResident(flow, device, task);
    if (weights === undefined) return false;
    missing += weights;
  }
  need.storages.forEach((storage, i) => {
    const instance = instanceAt(storage, memory);
    if (instance !== undefined) instance.keepFor = task.id;
    missing += Math.max(0, need.bytes[i]! - (instance?.reserved ?? 0));
  });
  if (missing > freeBytes(flow, memory) && !planted("overcommit-memory")) {
    makeRoom(flow, memory, { bytes: missing, task: task.id });
    if (missing > freeBytes(flow, memory)) return false;
  }
  need.storages.forEach((storage, i) => {
    const instance = lease(flow, storage, { memory, bytes: need.bytes[i]! });
    instance.keepFor = NONE;
    task.leases.push(storage.id, memory);
  });
  if (need.scratch > 0) {
    flow.state.memories[memory]!.used += need.scratch;
    task.scratch.push(memory, need.scratch);
  }
  for (const device of devices) takeResident(flow, device, task);
  return true;
}

/** Bytes of inputs, outputs and scratch of a staged task in a memory. */
function needIn(flow: Flow, task: Task, memory: MemoryId): Need {
  const need: Need = { storages: [], bytes: [], scratch: 0 };
  task.uses.forEach((use, i) => {
    if (!isUsedIn(flow, { task, use, memory })) return;
    if (use.input !== NONE) {
      const value = valueBy(flow, use.input);
      add(need, storageBy(flow, value.storage), value.bytes);
    }
    if (use.output === NONE) return;
    task.discards[i] = isUnwanted(flow, use);
    if (task.discards[i]!) need.scratch += use.bytesMax;
    else add(need, storageBy(flow, use.storage), inputBytes(flow, use) + use.bytesMax);
  });
  return need;
}

/** An append needs room for what it appends to. */
export function inputBytes(flow: Flow, use: Use): Bytes {
  return use.mode === "append" && use.input !== NONE ? valueBy(flow, use.input).bytes : 0;
}

function add(need: Need, storage: Storage, bytes: Bytes): void {
  const at = need.storages.indexOf(storage);
  if (at < 0) {
    need.storages.push(storage);
    need.bytes.push(bytes);
  } else need.bytes[at] = Math.max(need.bytes[at]!, bytes);
}

export function isUsedIn(flow: Flow, at: { readonly task: Task; readonly use: Use; readonly memory: MemoryId }): boolean {
  const { task, use, memory } = at;
  if (use.member === NONE) return true;
  return flow.map.memoryOf[task.placed[use.member]!] === memory;
}

export function memoriesOf(flow: Flow, devices: readonly DeviceId[]): MemoryId[] {
  const memories: MemoryId[] = [];
  for (const device of devices) {
    const memory = flow.map.memoryOf[device]!;
    if (!memories.includes(memory)) memories.push(memory);
  }
  return memories;
}

/** An output is computed for nothing: overwritten unread, or still there when its task runs again for another. */
function isUnwanted(flow: Flow, { output }: Use): boolean {
  const value = flow.state.values.get(output);
  if (value === undefined || value.failure !== undefined || (value.held === 0 && value.readers === 0)) return true;
  return isSomewhere(storageBy(flow, value.storage), value.version);
}

export function instanceOf(flow: Flow, storage: number, memory: MemoryId): { storage: Storage; instance: Instance } | undefined {
  const one = flow.state.storages.get(storage);
  const instance = one === undefined ? undefined : instanceAt(one, memory);
  return one === undefined || instance === undefined ? undefined : { storage: one, instance };
}

/** Gives back everything a staged or running task holds on some of its devices and memories. */
export function giveUpResidents(flow: Flow, task: Task, devices: readonly DeviceId[]): void {
  for (const device of devices) leaveResident(flow, device, task);
}

export function assertGranted(task: Task): void {
  assert(task.grantsLeft === 0, "a task that starts has its memory", { task: task.id });
  must(task.placed[0], "a task that starts has a device");
}
