import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS, type BlockKey, PART_TOKENS, PARTS_PER_BLOCK, type PromptKeys, type SlotRef } from "./block.ts";

/**
 * The sealed blocks of one replica: slots with generations, leases and a prefix index; plain data.
 *
 * A slot is free, being written (reserved by one writer), or sealed under the keys of its first 8, 16, … tokens; a whole block has eight, an
 * incomplete one fewer. A sealed slot without leases may be evicted, least recently released first; its generation then grows, so that a reader
 * that held on to the old reference is noticed.
 */
export interface Slots {
  readonly capacity: number;
  readonly generation: Int32Array;
  readonly leases: Int32Array;
  readonly status: Uint8Array;
  /** Keys of the first 8, 16, … tokens of a sealed slot; the last one, of all its tokens, is its own. */
  readonly keys: (readonly BlockKey[] | undefined)[];
  /** Free slots, last one first. */
  readonly free: number[];
  /**
   * The prefix index: the slot of every key. Where several slots begin with the same tokens the oldest has their keys, and stays the one in use. A
   * slot that does not have its own key was superseded while it was leased: it is freed with its last lease.
   */
  readonly byKey: Map<BlockKey, number>;
  /** Sealed slots without leases, oldest release first (a Map keeps insertion order). */
  readonly evictable: Map<number, true>;
}

const FREE = 0;
const WRITING = 1;
const SEALED = 2;

/** A store of that many slots, all free, each in generation 0. */
export function createSlots(capacity: number): Slots {
  assert(Number.isInteger(capacity) && capacity >= 0, "a slot count is a whole number", capacity);
  return {
    capacity,
    generation: new Int32Array(capacity),
    leases: new Int32Array(capacity),
    status: new Uint8Array(capacity),
    keys: new Array(capacity).fill(undefined),
    free: Array.from({ length: capacity }, (_, i) => capacity - 1 - i),
    byKey: new Map(),
    evictable: new Map(),
  };
}

/** What a prompt finds sealed: whole blocks, and the leading tokens of the block after them. */
export interface PrefixHit {
  readonly refs: readonly SlotRef[];
  readonly tokens: number;
}

/** Tokens of the longest prefix of a prompt that is sealed, at most `most`. Complexity: O(blocks found). */
export function prefixTokens(slots: Slots, prompt: PromptKeys, most: number): number {
  const blocks = prefixBlocks(slots, prompt.keys, Math.floor(most / BLOCK_TOKENS));
  return blocks * BLOCK_TOKENS + partTokens(slots, prompt, { block: blocks, most: most - blocks * BLOCK_TOKENS });
}

/** Sealed blocks that hold the longest prefix of a prompt, at most `most` tokens; of the last one it may be the leading tokens only. */
export function lookupPrefix(slots: Slots, prompt: PromptKeys, most: number): PrefixHit {
  const blocks = prefixBlocks(slots, prompt.keys, Math.floor(most / BLOCK_TOKENS));
  const refs = Array.from({ length: blocks }, (_, block) => slotOf(slots, prompt.keys[block]!));
  const start = blocks * BLOCK_TOKENS;
  const part = partTokens(slots, prompt, { block: blocks, most: most - start });
  if (part === 0) return { refs, tokens: start };
  refs.push(slotOf(slots, prompt.parts[blocks * PARTS_PER_BLOCK + part / PART_TOKENS - 1]!));
  const longer = planted("part-too-long") && part + PART_TOKENS <= most - start ? PART_TOKENS : 0;
  return { refs, tokens: start + part + longer };
}

function prefixBlocks(slots: Slots, keys: readonly BlockKey[], most: number): number {
  const end = Math.min(keys.length, most);
  let blocks = 0;
  while (blocks < end && slots.byKey.has(keys[blocks]!)) blocks++;
  return blocks;
}

function partTokens(slots: Slots, { parts }: PromptKeys, at: { readonly block: number; readonly most: number }): number {
  const first = at.block * PARTS_PER_BLOCK;
  for (let part = Math.min(PARTS_PER_BLOCK, Math.floor(at.most / PART_TOKENS)); part > 0; part--) {
    const key = parts[first + part - 1];
    if (key !== undefined && slots.byKey.has(key)) return part * PART_TOKENS;
  }
  return 0;
}

function slotOf(slots: Slots, key: BlockKey): SlotRef {
  const slot = slots.byKey.get(key)!;
  return { slot, generation: slots.generation[slot]! };
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

/** Ends a lease; with the last one the block can be evicted, or is freed where a longer block took its place. */
export function releaseSlot(slots: Slots, ref: SlotRef): void {
  assertCurrent(slots, ref);
  assert(slots.leases[ref.slot]! > 0, "a lease ends once", ref);
  slots.leases[ref.slot]! -= 1;
  if (slots.leases[ref.slot]! > 0) return;
  if (isSuperseded(slots, ref.slot)) free(slots, ref.slot);
  else slots.evictable.set(ref.slot, true);
}

/**
 * A slot for one writer, evicting the least recently used sealed block if none is free; `undefined` when all are leased or being written.
 * The key of an evicted whole block is reported through `onEvict`.
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

/**
 * The written block becomes readable under the keys of its first 8, 16, … tokens. If the last one is sealed elsewhere already, the slot is freed and
 * false is returned. A shorter block that it continues is superseded: its keys lead here from now on.
 */
export function sealSlot(slots: Slots, ref: SlotRef, keys: readonly BlockKey[]): boolean {
  assertCurrent(slots, ref);
  assert(slots.status[ref.slot] === WRITING, "a block is sealed by its writer", ref);
  assert(keys.length >= 1 && keys.length <= PARTS_PER_BLOCK + 1, "a sealed block has a key for each part", keys.length);
  if (slots.byKey.has(keys.at(-1)!)) {
    abandonSlot(slots, ref);
    return false;
  }
  for (const key of keys) supersede(slots, key);
  slots.status[ref.slot] = SEALED;
  slots.keys[ref.slot] = keys;
  for (const key of keys) if (!slots.byKey.has(key)) slots.byKey.set(key, ref.slot);
  slots.evictable.set(ref.slot, true);
  return true;
}

/** Gives a reserved slot back unsealed. */
export function abandonSlot(slots: Slots, ref: SlotRef): void {
  assertCurrent(slots, ref);
  assert(slots.status[ref.slot] === WRITING, "only a reserved slot is given back", ref);
  free(slots, ref.slot);
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
  const keys = slots.keys[slot];
  assert(keys !== undefined, "a sealed block has keys", { slot });
  if (planted("stale-part")) slots.byKey.delete(keys.at(-1)!);
  else unindex(slots, slot);
  slots.evictable.delete(slot);
  slots.keys[slot] = undefined;
  slots.status[slot] = FREE;
  if (!planted("early-slot-reuse")) slots.generation[slot]! += 1;
  if (isWhole(keys)) onEvict(keys.at(-1)!);
}

/** Takes the block away that ends where `key` does, if there is one: a longer one has the same tokens. */
function supersede(slots: Slots, key: BlockKey): void {
  const slot = slots.byKey.get(key);
  if (slot === undefined || slots.keys[slot]?.at(-1) !== key) return;
  unindex(slots, slot);
  if (slots.evictable.delete(slot)) free(slots, slot);
}

function isSuperseded(slots: Slots, slot: number): boolean {
  return slots.byKey.get(slots.keys[slot]!.at(-1)!) !== slot;
}

/** Whether these are the keys of a whole block. */
export function isWhole(keys: readonly BlockKey[]): boolean {
  return keys.length * PART_TOKENS === BLOCK_TOKENS;
}

function unindex(slots: Slots, slot: number): void {
  for (const key of slots.keys[slot]!) if (slots.byKey.get(key) === slot) slots.byKey.delete(key);
}

function free(slots: Slots, slot: number): void {
  slots.keys[slot] = undefined;
  slots.status[slot] = FREE;
  slots.generation[slot]! += 1;
  slots.free.push(slot);
}

function assertCurrent(slots: Slots, ref: SlotRef): void {
  assert(slots.generation[ref.slot] === ref.generation, "a slot is used in the generation it was given", ref);
}

/** Every relation between the parts of the store, stated once; for tests and for checkers that look after every step. Complexity: O(capacity). */
export function assertSlotsSound(slots: Slots): void {
  const free = new Set(slots.free);
  assert(free.size === slots.free.length, "a slot is free once");
  for (let slot = 0; slot < slots.capacity; slot++) {
    const status = slots.status[slot]!;
    const keys = slots.keys[slot];
    const leases = slots.leases[slot]!;
    const facts = { slot, status, leases };
    assert((status === FREE) === free.has(slot), "free slots are on the free list", facts);
    assert(leases >= 0 && (leases === 0 || status === SEALED), "only sealed blocks are leased", facts);
    assert(slots.evictable.has(slot) === (status === SEALED && leases === 0), "unleased sealed blocks are evictable", facts);
    assert((keys !== undefined) === (status === SEALED), "a sealed block has keys", facts);
    if (keys === undefined) continue;
    assert(leases > 0 || !isSuperseded(slots, slot), "the index finds every sealed block, but superseded ones that are read", facts);
  }
  for (const [key, slot] of slots.byKey)
    assert(slots.keys[slot]?.includes(key) === true, "the index leads to slots that hold what it names", { key });
}
