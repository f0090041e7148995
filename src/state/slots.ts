import { assert } from "../base/assert.ts";
import type { BlockKey, SlotRef } from "./block.ts";

/**
 * The sealed blocks of one replica: slots with generations, leases and a prefix index; plain data.
 *
 * A slot is free, being written (reserved by one writer), or sealed under a key. A sealed slot without leases may be evicted, least recently
 * released first; its generation then grows, so that a reader that held on to the old reference is noticed.
 */
export interface Slots {
  readonly capacity: number;
  readonly generation: Int32Array;
  readonly leases: Int32Array;
  readonly status: Uint8Array;
  readonly key: (BlockKey | undefined)[];
  /** Free slots, last one first. */
  readonly free: number[];
  /** Sealed slots by key: the prefix index. */
  readonly byKey: Map<BlockKey, number>;
  /** Sealed slots without leases, oldest release first (a Map keeps insertion order). */
  readonly evictable: Map<number, true>;
}

const FREE = 0;
const WRITING = 1;
const SEALED = 2;

export function createSlots(capacity: number): Slots {
  assert(Number.isInteger(capacity) && capacity >= 0, "a slot count is a whole number", capacity);
  return {
    capacity,
    generation: new Int32Array(capacity),
    leases: new Int32Array(capacity),
    status: new Uint8Array(capacity),
    key: new Array(capacity).fill(undefined),
    free: Array.from({ length: capacity }, (_, i) => capacity - 1 - i),
    byKey: new Map(),
    evictable: new Map(),
  };
}

/** Sealed blocks that hold the longest prefix of `keys`, at most `most`. Complexity: O(length of the result). */
export function lookupPrefix(slots: Slots, keys: readonly BlockKey[], most: number): SlotRef[] {
  const found: SlotRef[] = [];
  const end = Math.min(keys.length, most);
  for (let i = 0; i < end; i++) {
    const slot = slots.byKey.get(keys[i]!);
    if (slot === undefined) break;
    found.push({ slot, generation: slots.generation[slot]! });
  }
  return found;
}

/** Guards a sealed slot until `releaseSlot`; leases count. */
export function leaseSlot(slots: Slots, ref: SlotRef): void {
  assertCurrent(slots, ref);
  assert(slots.status[ref.slot] === SEALED, "only a sealed block is read", ref);
  slots.leases[ref.slot]! += 1;
  slots.evictable.delete(ref.slot);
}

export function releaseSlot(slots: Slots, ref: SlotRef): void {
  assertCurrent(slots, ref);
  assert(slots.leases[ref.slot]! > 0, "a lease ends once", ref);
  slots.leases[ref.slot]! -= 1;
  if (slots.leases[ref.slot] === 0) slots.evictable.set(ref.slot, true);
}

/**
 * A slot for one writer, evicting the least recently used sealed block if none is free; `undefined` when all are leased or being written.
 * The evicted key is reported through `onEvict`.
 */
export function reserveSlot(slots: Slots, onEvict: (key: BlockKey) => void): SlotRef | undefined {
  let slot = slots.free.pop();
  if (slot === undefined) {
    const oldest = slots.evictable.keys().next();
    if (oldest.done === true) return undefined;
    slot = oldest.value;
    evict(slots, slot, onEvict);
  }
  slots.status[slot] = WRITING;
  return { slot, generation: slots.generation[slot]! };
}

/** The written block becomes readable under `key`. If the key is sealed elsewhere already, the slot is freed and false is returned. */
export function sealSlot(slots: Slots, ref: SlotRef, key: BlockKey): boolean {
  assertCurrent(slots, ref);
  assert(slots.status[ref.slot] === WRITING, "a block is sealed by its writer", ref);
  if (slots.byKey.has(key)) {
    abandonSlot(slots, ref);
    return false;
  }
  slots.status[ref.slot] = SEALED;
  slots.key[ref.slot] = key;
  slots.byKey.set(key, ref.slot);
  slots.evictable.set(ref.slot, true);
  return true;
}

/** Gives a reserved slot back unsealed. */
export function abandonSlot(slots: Slots, ref: SlotRef): void {
  assertCurrent(slots, ref);
  assert(slots.status[ref.slot] === WRITING, "only a reserved slot is given back", ref);
  slots.status[ref.slot] = FREE;
  slots.generation[ref.slot]! += 1;
  slots.free.push(ref.slot);
}

/** Slots that are neither free nor evictable: leased or being written. Zero once all requests have ended. */
export function pinnedSlots(slots: Slots): number {
  return slots.capacity - slots.free.length - slots.evictable.size;
}

function evict(slots: Slots, slot: number, onEvict: (key: BlockKey) => void): void {
  assert(slots.leases[slot] === 0 && slots.status[slot] === SEALED, "only an unleased sealed block is evicted", { slot });
  const key = slots.key[slot];
  assert(key !== undefined, "a sealed block has a key", { slot });
  slots.evictable.delete(slot);
  slots.byKey.delete(key);
  slots.key[slot] = undefined;
  slots.status[slot] = FREE;
  slots.generation[slot]! += 1;
  onEvict(key);
}

function assertCurrent(slots: Slots, ref: SlotRef): void {
  assert(slots.generation[ref.slot] === ref.generation, "a slot is used in the generation it was given", ref);
}
