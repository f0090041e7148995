import { planted } from "../../base/planted-fault.ts";
import type { Bytes } from "../../base/units.ts";
import type { Instance, Storage, Value } from "./dataflow-state.ts";
import { HOME, type MemoryId, type TaskId } from "./dataflow-types.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { dropInstance, freeBytes, instanceAt } from "./instances.ts";
import { bring } from "./moves.ts";
import { unloadOne } from "./residency.ts";

/**
 * Makes room in a memory, least recently used first: what is elsewhere too goes at once; the only instance of a value is written home first, and goes
 * when it is there; then executables that nothing needs are unloaded.
 */
export function makeRoom(flow: Flow, memory: MemoryId, wanted: { readonly bytes: Bytes; readonly task: TaskId }): void {
  const { recent, writingBack } = flow.state.memories[memory]!;
  if (memory !== HOME) {
    for (const id of recent.keys()) {
      if (freeBytes(flow, memory) >= wanted.bytes) return;
      const storage = storageBy(flow, id);
      const instance = idleInstance(storage, memory, wanted.task);
      if (instance === undefined || !(isElsewhere(flow, storage, instance) || planted("evict-only-copy"))) continue;
      flow.state.counts.evictions++;
      dropInstance(flow, storage, instance);
    }
    writeBack(flow, memory, { ...wanted, bytes: wanted.bytes - writingBack });
  }
  while (freeBytes(flow, memory) + flow.state.memories[memory]!.writingBack < wanted.bytes) {
    if (!flow.map.devicesOfMemory[memory]!.some((device) => unloadOne(flow, device, taskBy(flow, wanted.task)))) return;
  }
}

function idleInstance(storage: Storage, memory: MemoryId, task: TaskId): Instance | undefined {
  const instance = instanceAt(storage, memory);
  return instance !== undefined && (instance.leases === 0 || planted("drop-leased")) && instance.keepFor !== task ? instance : undefined;
}

/** Another memory has all of it that anybody may read. */
function isElsewhere(flow: Flow, storage: Storage, instance: Instance): boolean {
  const latest = latestAt(flow, storage, instance);
  if (latest === undefined) return true;
  return storage.instances.some((other) => other !== instance && other.version >= latest.version);
}

function writeBack(flow: Flow, memory: MemoryId, wanted: { readonly bytes: Bytes; readonly task: TaskId }): void {
  let coming = freeBytes(flow, memory);
  for (const id of flow.state.memories[memory]!.recent.keys()) {
    if (coming >= wanted.bytes) return;
    const storage = storageBy(flow, id);
    const instance = idleInstance(storage, memory, wanted.task);
    const latest = instance === undefined ? undefined : latestAt(flow, storage, instance);
    if (instance === undefined || latest === undefined) continue;
    if (bring(flow, latest, { memory: HOME, purpose: "write-back" }) === "coming") coming += instance.reserved;
  }
}

/** The longest value whole in an instance that is held or read. */
function latestAt(flow: Flow, storage: Storage, instance: Instance): Value | undefined {
  for (let i = storage.values.length - 1; i >= 0; i--) {
    const value = valueBy(flow, storage.values[i]!);
    if (value.version <= instance.version && (value.held > 0 || value.readers > 0)) return value;
  }
  return undefined;
}
