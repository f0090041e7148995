import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
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

/** Blocks of the longest prefix of `keys` that is sealed, at most `most`. Complexity: O(result). */
export function prefixBlocks(slots: Slots, keys: readonly BlockKey[], most: number): number {
  const end = Math.min(keys.length, most);
  let blocks = 0;
  while (blocks < end && slots.byKey.has(keys[blocks]!)) blocks++;
  return blocks;
}

/** Sealed blocks that hold the longest prefix of `keys`, at most `most`. Complexity: O(result). */
export function lookupPrefix(slots: Slots, keys: readonly BlockKey[], most: number): SlotRef[] {
  const found: SlotRef[] = [];
  const blocks = prefixBlocks(slots, keys, most);
  for (let i = 0; i < blocks; i++) {
    const slot = slots.byKey.get(keys[i]!)!;
    found.push({ slot, generation: slots.generation[slot]! });
  }
  return found;
}

/** Marks the sealed blocks of a sequence as just used, its deepest block first: that one is then the first of them to be evicted. */
export function touchPrefix(slots: Slots, keys: readonly BlockKey[], blocks: number): void {
  for (let i = Math.min(blocks, keys.length) - 1; i >= 0; i--) {
    const slot = slots.byKey.get(keys[i]!);
    if (slot !== undefined && slots.evictable.delete(slot)) slots.evictable.set(slot, true);
  }
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
    slot = slots.evictable.keys().next().value ?? leasedVictim(slots);
    if (slot === undefined) return undefined;
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

/** A block that is being read: evicted only by a planted fault. */
function leasedVictim(slots: Slots): number | undefined {
  if (!planted("evict-leased")) return undefined;
  const slot = slots.leases.findIndex((leases) => leases > 0);
  if (slot < 0) return undefined;
  slots.leases[slot] = 0;
  return slot;
}

function evict(slots: Slots, slot: number, onEvict: (key: BlockKey) => void): void {
  assert(slots.leases[slot] === 0 && slots.status[slot] === SEALED, "only an unleased sealed block is evicted", { slot });
  const key = slots.key[slot];
  assert(key !== undefined, "a sealed block has a key", { slot });
  slots.evictable.delete(slot);
  slots.byKey.delete(key);
  slots.key[slot] = undefined;
  slots.status[slot] = FREE;
  if (!planted("early-slot-reuse")) slots.generation[slot]! += 1;
  onEvict(key);
}

function assertCurrent(slots: Slots, ref: SlotRef): void {
  assert(slots.generation[ref.slot] === ref.generation, "a slot is used in the generation it was given", ref);
}

/** Every relation between the parts of the store, stated once; for tests and for checkers that look after every step. Complexity: O(capacity). */
export function assertSlotsSound(slots: Slots): void {
  const free = new Set(slots.free);
  assert(free.size === slots.free.length, "a slot is free once");
  let sealed = 0;
  for (let slot = 0; slot < slots.capacity; slot++) {
    const status = slots.status[slot]!;
    const key = slots.key[slot];
    const leases = slots.leases[slot]!;
    assert((status === FREE) === free.has(slot), "free slots are on the free list", { slot, status });
    assert(leases >= 0 && (leases === 0 || status === SEALED), "only sealed blocks are leased", { slot, status, leases });
    assert(slots.evictable.has(slot) === (status === SEALED && leases === 0), "unleased sealed blocks are evictable", {
      slot,
      status,
      leases,
    });
    assert((key !== undefined) === (status === SEALED), "a sealed block has a key", { slot, status });
    if (key !== undefined) {
      sealed++;
      assert(slots.byKey.get(key) === slot, "the index finds every sealed block", { slot, key });
    }
  }
  assert(slots.byKey.size === sealed, "the index holds sealed blocks only", { sealed, indexed: slots.byKey.size });
}
