import { type DataflowState, DONE, NONE } from "../../engine/dataflow/dataflow-state.ts";
import type { DataflowRack } from "../../engine/dataflow/dataflow-types.ts";

/** Counts everything an engine's books count, anew, from who refers to what; returns where they differ. */
export function auditDataflow(state: DataflowState, rack: DataflowRack): string[] {
  return [...auditValues(state), ...auditStorages(state), ...auditMemories(state, rack), ...auditTasks(state)];
}

function auditValues(state: DataflowState): string[] {
  const readers = new Map<number, number>();
  const lineage = new Map<number, number>();
  const held = new Map<number, number>();
  const add = (into: Map<number, number>, id: number): void => {
    if (id !== NONE) into.set(id, (into.get(id) ?? 0) + 1);
  };
  for (const task of state.tasks.values()) {
    for (const { input } of task.uses) {
      if (task.status !== DONE) add(readers, input);
      if (task.status === DONE || task.again) add(lineage, input);
    }
  }
  for (const { value } of state.fetches.values()) add(readers, value);
  for (const { current, contributions } of state.handles.values()) for (const id of [current, ...contributions]) add(held, id);
  const faults: string[] = [];
  for (const value of state.values.values()) {
    const expected = { readers: readers.get(value.id) ?? 0, lineageRefs: lineage.get(value.id) ?? 0, held: held.get(value.id) ?? 0 };
    for (const [name, count] of Object.entries(expected)) {
      const booked = value[name as keyof typeof expected];
      if (booked !== count) faults.push(`value ${value.id} has ${booked} ${name}, of ${count}`);
    }
    if (expected.readers + expected.lineageRefs + expected.held === 0) faults.push(`value ${value.id} is kept for nobody`);
    const there = state.storages.get(value.storage)?.instances.some(({ version }) => version >= value.version) ?? false;
    if (value.made !== there) faults.push(`value ${value.id} counts as ${value.made ? "there" : "gone"} and is not`);
  }
  for (const ids of [readers, lineage, held])
    for (const id of ids.keys()) if (!state.values.has(id)) faults.push(`value ${id} is used and forgotten`);
  return faults;
}

function auditStorages(state: DataflowState): string[] {
  const faults: string[] = [];
  for (const storage of state.storages.values()) {
    const values = storage.values.map((id) => state.values.get(id)).filter((value) => value !== undefined);
    const live = values.filter(({ held, readers }) => held > 0 || readers > 0).length;
    const pins = values.reduce((sum, { lineageRefs }) => sum + lineageRefs, 0);
    if (live !== storage.live) faults.push(`storage ${storage.id} has ${storage.live} live values, of ${live}`);
    if (pins !== storage.lineagePins) faults.push(`storage ${storage.id} has ${storage.lineagePins} pins, of ${pins}`);
    if (values.length === 0 && storage.instances.length === 0) faults.push(`storage ${storage.id} is kept for nothing`);
  }
  return faults;
}

function auditMemories(state: DataflowState, rack: DataflowRack): string[] {
  const used = state.memories.map(() => 0);
  for (const { instances } of state.storages.values()) for (const { memory, reserved } of instances) used[memory]! += reserved;
  for (const [id, device] of state.devices.entries()) used[rack.devices[id]!.memory]! += device.residentBytes;
  for (const { scratch } of state.tasks.values()) for (let i = 0; i < scratch.length; i += 2) used[scratch[i]!]! += scratch[i + 1]!;
  return state.memories.flatMap((memory, id) => {
    const faults = memory.used === used[id] ? [] : [`memory ${id} has ${memory.used} bytes in use, of ${used[id]}`];
    return memory.used <= memory.capacity ? faults : [...faults, `memory ${id} is over its capacity`];
  });
}

function auditTasks(state: DataflowState): string[] {
  const faults: string[] = [];
  for (const task of state.tasks.values()) {
    if (task.status === DONE) {
      const outputs = task.uses.map(({ output }) => state.values.get(output)).filter((value) => value !== undefined);
      const home = (value: (typeof outputs)[number]): boolean =>
        state.storages.get(value.storage)!.instances.some(({ memory, version }) => memory === 0 && version >= value.version);
      if (outputs.every(home)) faults.push(`lineage of task ${task.id} is kept for nothing`);
      continue;
    }
    const missing = task.uses.filter(({ input }) => input !== NONE && state.values.get(input)?.made !== true).length;
    if (missing > 0 && task.status !== 4 && task.waits !== missing) faults.push(`task ${task.id} waits for ${task.waits}, of ${missing}`);
  }
  return faults;
}
