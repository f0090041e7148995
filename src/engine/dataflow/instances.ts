import { assert } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import type { Bytes } from "../../base/units.ts";
import { type Instance, NONE, type Storage, type Value } from "./dataflow-state.ts";
import { HOME, type MemoryId } from "./dataflow-types.ts";
import type { Flow } from "./flow.ts";

export function instanceAt(storage: Storage, memory: MemoryId): Instance | undefined {
  const { instances } = storage;
  for (let i = 0; i < instances.length; i++) if (instances[i]!.memory === memory) return instances[i];
  return undefined;
}

/** Whether a version is whole in some memory. */
export function isSomewhere(storage: Storage, version: number): boolean {
  const { instances } = storage;
  for (let i = 0; i < instances.length; i++) if (instances[i]!.version >= version) return true;
  return false;
}

/** At home nothing is lost: what is there needs no lineage. */
export function isDurable(storage: Storage, value: Value): boolean {
  const home = instanceAt(storage, HOME);
  return home !== undefined && home.version >= value.version;
}

export function freeBytes(flow: Flow, memory: MemoryId): Bytes {
  const { capacity, used } = flow.state.memories[memory]!;
  return capacity - used;
}

/** Sets aside `bytes` in all for a storage in a memory and leases it. The caller has seen to the room. */
export function lease(flow: Flow, storage: Storage, at: { readonly memory: MemoryId; readonly bytes: Bytes }): Instance {
  const memory = flow.state.memories[at.memory]!;
  assert(memory.alive, "a lost memory holds nothing", at);
  let instance = instanceAt(storage, at.memory);
  if (instance === undefined) {
    instance = {
      memory: at.memory,
      version: NONE,
      bytes: 0,
      reserved: 0,
      leases: 0,
      allocated: false,
      arriving: NONE,
      arrivingVersion: NONE,
      keepFor: NONE,
    };
    storage.instances.push(instance);
  }
  if (at.bytes > instance.reserved) {
    memory.used += at.bytes - instance.reserved;
    instance.reserved = at.bytes;
  }
  instance.leases++;
  touch(flow, storage, at.memory);
  return instance;
}

export function touch(flow: Flow, storage: Storage, memory: MemoryId): void {
  const { recent, capacity } = flow.state.memories[memory]!;
  if (capacity === Infinity) return;
  recent.delete(storage.id);
  recent.set(storage.id, true);
}

/** Ends a lease. With the last one, room for growth is given back, and all of it where nobody wants the bytes. */
export function unlease(flow: Flow, storage: Storage, instance: Instance): void {
  instance.leases--;
  assert(instance.leases >= 0, "a lease ends once", { storage: storage.id, memory: instance.memory });
  // What is in a lost memory is about to be forgotten.
  if (instance.leases > 0 || !flow.state.memories[instance.memory]!.alive) return;
  if (instance.version === NONE || !isWanted(storage, instance.memory)) {
    dropInstance(flow, storage, instance);
    return;
  }
  giveBack(flow, instance.memory, instance.reserved - instance.bytes);
  instance.reserved = instance.bytes;
}

export function giveBack(flow: Flow, memory: MemoryId, bytes: Bytes): void {
  const one = flow.state.memories[memory]!;
  if (bytes === 0 || !one.alive) return;
  one.used -= bytes;
  assert(one.used >= 0, "a memory gives back what it has set aside", { memory, bytes });
  if (one.waiting.length > 0) flow.memoriesToLookAt.push(memory);
}

export function dropInstance(flow: Flow, storage: Storage, instance: Instance): void {
  assert(instance.leases === 0 || planted("drop-leased"), "what is leased stays", { storage: storage.id, memory: instance.memory });
  if (instance.allocated && !planted("buffer-leak")) flow.commands.push({ type: "drop", storage: storage.id, memory: instance.memory });
  forgetInstance(flow, storage, instance);
}

/** Takes an instance out of the books; its bytes are gone. */
export function forgetInstance(flow: Flow, storage: Storage, instance: Instance): void {
  storage.instances.splice(storage.instances.indexOf(instance), 1);
  flow.state.memories[instance.memory]!.recent.delete(storage.id);
  giveBack(flow, instance.memory, instance.reserved);
  for (const id of storage.values) {
    const value = flow.state.values.get(id);
    if (value?.made === true && !isSomewhere(storage, value.version)) value.made = planted("loss-unnoticed");
  }
  if (storage.instances.length === 0 && storage.values.length === 0) flow.state.storages.delete(storage.id);
}

/** Drops what nobody reads any more; at home, what lineage would need stays. */
export function dropUnwanted(flow: Flow, storage: Storage): void {
  if (storage.live > 0) return;
  for (let i = storage.instances.length - 1; i >= 0; i--) {
    const instance = storage.instances[i]!;
    if (instance.leases === 0 && !isWanted(storage, instance.memory)) dropInstance(flow, storage, instance);
  }
}

function isWanted(storage: Storage, memory: MemoryId): boolean {
  return storage.live > 0 || (memory === HOME && storage.lineagePins > 0);
}
