import { deleteKey, emptyIntTable, type IntTable, insertKey, lookUp } from "../../base/int-table.ts";

/**
 * Keys of prompts whose KV is kept outside the devices: what a replica evicts goes in, the longest unused goes out.
 *
 * Complexity: O(1) an operation, no allocation but growth by doubling.
 */
export interface KeyTier {
  /** Whole keys it holds at most. */
  readonly capacity: number;
  readonly table: IntTable;
  key: Int32Array;
  previous: Int32Array;
  next: Int32Array;
  oldest: number;
  newest: number;
  size: number;
}

const PLACES_FIRST = 32;

export function keyTier(capacity: number): KeyTier {
  const column = (): Int32Array => new Int32Array(PLACES_FIRST);
  return { capacity, table: emptyIntTable(), key: column(), previous: column(), next: column(), oldest: -1, newest: -1, size: 0 };
}

export function holdsKey({ table }: KeyTier, key: number): boolean {
  return lookUp(table, key) >= 0;
}

/** Puts a key in, or makes it the newest where it is in. */
export function storeKey(tier: KeyTier, key: number): void {
  if (tier.capacity === 0) return;
  const known = lookUp(tier.table, key);
  if (known >= 0) {
    unlink(tier, known);
    append(tier, known);
    return;
  }
  let place = tier.size;
  if (place === tier.capacity) {
    place = tier.oldest;
    unlink(tier, place);
    deleteKey(tier.table, tier.key[place]!);
  } else {
    if (place === tier.key.length) grow(tier);
    tier.size += 1;
  }
  tier.key[place] = key;
  insertKey(tier.table, key, place);
  append(tier, place);
}

/** Forgets everything: the memory is gone, or given back. */
export function clearTier(tier: KeyTier): void {
  for (let place = 0; place < tier.size; place++) deleteKey(tier.table, tier.key[place]!);
  tier.oldest = -1;
  tier.newest = -1;
  tier.size = 0;
}

function append(tier: KeyTier, place: number): void {
  tier.previous[place] = tier.newest;
  tier.next[place] = -1;
  if (tier.newest >= 0) tier.next[tier.newest] = place;
  else tier.oldest = place;
  tier.newest = place;
}

function unlink(tier: KeyTier, place: number): void {
  const before = tier.previous[place]!;
  const after = tier.next[place]!;
  if (before >= 0) tier.next[before] = after;
  else tier.oldest = after;
  if (after >= 0) tier.previous[after] = before;
  else tier.newest = before;
}

function grow(tier: KeyTier): void {
  const longer = (old: Int32Array): Int32Array => {
    const column = new Int32Array(old.length * 2);
    column.set(old);
    return column;
  };
  tier.key = longer(tier.key);
  tier.previous = longer(tier.previous);
  tier.next = longer(tier.next);
}
