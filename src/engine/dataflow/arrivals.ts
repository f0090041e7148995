import type { Nanoseconds } from "../../base/units.ts";
import { NONE, type Storage, type Task, type Value } from "./dataflow-state.ts";
import { HOME, type MemoryId } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { instanceAt } from "./instances.ts";
import { predictTransferNs } from "./link-model.ts";
import { linkFreeAt } from "./moves.ts";
import { linkFrom } from "./rack-map.ts";

/** Instances that an estimate looks at as sources of a transfer; keeps its cost flat where a value is everywhere. */
const SOURCES_MAX = 3;

/** A task's inputs on their way to a memory. It is good until the next one is made: all are worked out in the same arrays. */
export interface Arrivals {
  /** When the last could be there. */
  readyAt(memory: MemoryId): Nanoseconds;
  /** By memory, once it was asked for: what copying those takes that only other devices have. */
  readonly moved: Float64Array;
}

/** Worked out once a memory: transfers over one channel take turns, those under way first. */
export function createArrivals(flow: Flow, task: Task): Arrivals {
  const { known, moved } = flow.arrivals;
  known.fill(Number.NaN);
  const values: Value[] = [];
  const storages: Storage[] = [];
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    const storage = storageBy(flow, value.storage);
    noteWhere(flow, values.length, { value, storage });
    values.push(value);
    storages.push(storage);
  }
  const readyAt = (memory: MemoryId): Nanoseconds => {
    const before = known[memory]!;
    if (!Number.isNaN(before)) return before;
    let last = flow.now;
    let queuedNs = 0;
    let movedNs = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      const storage = storages[at]!;
      const there = flow.arrivals.there[at]![memory];
      if (there === HERE) continue;
      if (there === COMING) {
        const transfer = flow.state.transfers.get(instanceAt(storage, memory)?.arriving ?? NONE);
        if (transfer !== undefined) last = Math.max(last, linkFreeAt(flow, transfer.link));
        continue;
      }
      let soonest = Infinity;
      let soonestNs = 0;
      let isHome = false;
      const { instances } = storage;
      let looked = 0;
      for (let i = 0; i < instances.length && looked < SOURCES_MAX; i++) {
        const source = instances[i]!;
        if (source.version < value.version) continue;
        looked++;
        const link = linkFrom(flow.map, source.memory, memory);
        const takesNs =
          link < 0
            ? overHomeNs(flow, source.memory, { memory, bytes: value.bytes })
            : predictTransferNs(flow.state.links[link]!, value.bytes);
        const startsAt = link < 0 ? flow.now : linkFreeAt(flow, link);
        if (startsAt + takesNs >= soonest) continue;
        soonest = startsAt + takesNs;
        soonestNs = takesNs;
        isHome = source.memory === HOME;
      }
      if (soonest === Infinity) continue;
      last = Math.max(last, soonest + queuedNs);
      queuedNs += soonestNs;
      if (!isHome) movedNs += soonestNs;
    }
    known[memory] = last;
    moved[memory] = movedNs;
    return last;
  };
  return { readyAt, moved };
}

const HERE = 1;
const COMING = 2;

/** Notes of an input in which memories it is. */
function noteWhere(flow: Flow, at: number, { value, storage }: { readonly value: Value; readonly storage: Storage }): void {
  const { there } = flow.arrivals;
  const where = there[at] ?? new Uint8Array(flow.map.memories);
  there[at] = where;
  where.fill(0);
  for (const { memory, version, arriving } of storage.instances) {
    if (version >= value.version) where[memory] = HERE;
    else if (arriving !== NONE) where[memory] = COMING;
  }
}

function overHomeNs(flow: Flow, source: MemoryId, to: { readonly memory: MemoryId; readonly bytes: number }): Nanoseconds {
  const up = linkFrom(flow.map, source, HOME);
  const down = linkFrom(flow.map, HOME, to.memory);
  return predictTransferNs(flow.state.links[up]!, to.bytes) + predictTransferNs(flow.state.links[down]!, to.bytes);
}
