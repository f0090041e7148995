/**
 * A hash table from integers >= 0 to integers >= 0 on typed arrays: open addressing with linear probing, deletion by shifting back.
 *
 * Complexity: O(1) expected at a load of at most 1/2; no allocation but growth by doubling.
 */
export interface IntTable {
  /** Key + 1; 0 is an empty place. */
  keys: Int32Array;
  values: Int32Array;
  shift: number;
  size: number;
}

/** 2^32 / golden ratio: spreads dense keys (Knuth, The Art of Computer Programming 3, 6.4). */
const GOLDEN = 0x9e3779b1;
const BITS_FIRST = 5;

export function emptyIntTable(): IntTable {
  return { keys: new Int32Array(1 << BITS_FIRST), values: new Int32Array(1 << BITS_FIRST), shift: 32 - BITS_FIRST, size: 0 };
}

/** The value of `key`; -1 where it has none. */
export function lookUp(table: IntTable, key: number): number {
  const { keys } = table;
  const mask = keys.length - 1;
  const sought = key + 1;
  for (let at = Math.imul(key, GOLDEN) >>> table.shift; ; at = (at + 1) & mask) {
    const found = keys[at]!;
    if (found === sought) return table.values[at]!;
    if (found === 0) return -1;
  }
}

/** Adds a key that is not there. */
export function insertKey(table: IntTable, key: number, value: number): void {
  if (table.size * 2 >= table.keys.length) grow(table);
  place(table, key, value);
  table.size += 1;
}

/** Takes out a key that is there; does nothing where it is not. */
export function deleteKey(table: IntTable, key: number): void {
  const { keys, values, shift } = table;
  const mask = keys.length - 1;
  let hole = Math.imul(key, GOLDEN) >>> shift;
  while (keys[hole] !== key + 1) {
    if (keys[hole] === 0) return;
    hole = (hole + 1) & mask;
  }
  table.size -= 1;
  for (let at = (hole + 1) & mask; keys[at] !== 0; at = (at + 1) & mask) {
    const home = Math.imul(keys[at]! - 1, GOLDEN) >>> shift;
    // An entry may fill the hole where its home does not lie between the hole and its place.
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    keys[hole] = keys[at]!;
    values[hole] = values[at]!;
    hole = at;
  }
  keys[hole] = 0;
}

function place(table: IntTable, key: number, value: number): void {
  const mask = table.keys.length - 1;
  let at = Math.imul(key, GOLDEN) >>> table.shift;
  while (table.keys[at] !== 0) at = (at + 1) & mask;
  table.keys[at] = key + 1;
  table.values[at] = value;
}

function grow(table: IntTable): void {
  const { keys, values } = table;
  table.keys = new Int32Array(keys.length * 2);
  table.values = new Int32Array(keys.length * 2);
  table.shift -= 1;
  for (let i = 0; i < keys.length; i++) if (keys[i] !== 0) place(table, keys[i]! - 1, values[i]!);
}
