import { mix32 } from "../base/prng.ts";

/** A rolling hash over commands, two 32-bit lanes; plain data. */
export interface CommandHash {
  high: number;
  low: number;
}

export function emptyCommandHash(): CommandHash {
  return { high: 0x243f6a88, low: 0x85a308d3 };
}

/**
 * Folds a command into the hash, field by field in the order they were written. Token ids are left out: a ledger need not hold them, and no
 * decision depends on one.
 */
export function hashCommand(hash: CommandHash, command: object): void {
  fold(hash, command);
}

/** 16 hex digits. */
export function hashText(hash: CommandHash): string {
  return hash.high.toString(16).padStart(8, "0") + hash.low.toString(16).padStart(8, "0");
}

const NUMBER = 1;
const TEXT = 2;
const YES = 3;
const NO = 4;
const ABSENT = 5;
const LIST = 6;
const RECORD = 7;

function fold(hash: CommandHash, value: unknown): void {
  if (typeof value === "number") {
    const high = Math.floor(value / 4294967296);
    word(hash, NUMBER);
    word(hash, value | 0);
    word(hash, high | 0);
    // Fractions of a nanosecond decide too.
    if (!Number.isInteger(value)) word(hash, ((value - Math.floor(value)) * 4294967296) | 0);
  } else if (typeof value === "string") {
    word(hash, TEXT ^ (value.length << 3));
    for (let i = 0; i < value.length; i++) word(hash, value.charCodeAt(i));
  } else if (typeof value === "boolean") word(hash, value ? YES : NO);
  else if (value === undefined || value === null) word(hash, ABSENT);
  else if (Array.isArray(value)) {
    word(hash, LIST ^ (value.length << 3));
    for (const item of value) fold(hash, item);
  } else {
    word(hash, RECORD);
    for (const [name, item] of Object.entries(value as object)) {
      if (name === "token") continue;
      word(hash, nameWord(name));
      fold(hash, item);
    }
  }
}

/** Field names recur: each is hashed once. */
const nameWords = new Map<string, number>();

function nameWord(name: string): number {
  let known = nameWords.get(name);
  if (known === undefined) {
    const hash = emptyCommandHash();
    fold(hash, name);
    known = hash.high;
    nameWords.set(name, known);
  }
  return known;
}

function word(hash: CommandHash, value: number): void {
  hash.high = mix32(hash.high ^ value);
  hash.low = (Math.imul(hash.low ^ value, 0x01000193) + hash.high) >>> 0;
}
