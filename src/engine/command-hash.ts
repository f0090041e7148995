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
 *
 * Complexity: linear in the numbers and letters of the command; no allocation once its field names are known.
 */
export function hashCommand(hash: CommandHash, command: object): void {
  fold(hash, command);
}

/** 16 hex digits. */
export function hashText(hash: CommandHash): string {
  return hash.high.toString(16).padStart(8, "0") + hash.low.toString(16).padStart(8, "0");
}

/** What kind of value a word belongs to; it enters the low lane only. */
const NUMBER = 0x01000000;
const LARGE = 0x02000000;
const FRACTION = 0x03000000;
const TEXT = 0x04000000;
const TRUTH = 0x05000000;
const ABSENT = 0x06000000;
const LIST = 0x07000000;
const RECORD = 0x08000000;
const NAME = 0x09000000;
const TWO_TO_32 = 4294967296;

/** Texts up to this length (field names, kinds) recur: each is hashed once, up to so many. */
const WORD_LENGTH_MAX = 20;
const WORDS_MAX = 1024;
const wordsOfTexts = new Map<string, number>();

function fold(hash: CommandHash, value: unknown): void {
  if (typeof value === "number") foldNumber(hash, value);
  else if (typeof value === "string") {
    if (value.length <= WORD_LENGTH_MAX) word(hash, wordOf(value), TEXT);
    else foldText(hash, value);
  } else if (typeof value === "boolean") word(hash, value ? 1 : 0, TRUTH);
  else if (value === undefined || value === null) word(hash, 0, ABSENT);
  else if (Array.isArray(value)) {
    word(hash, value.length, LIST);
    for (let i = 0; i < value.length; i++) fold(hash, value[i]);
  } else foldRecord(hash, value as Readonly<Record<string, unknown>>);
}

function foldRecord(hash: CommandHash, record: Readonly<Record<string, unknown>>): void {
  word(hash, 0, RECORD);
  for (const name in record) {
    if (name === "token") continue;
    word(hash, wordOf(name), NAME);
    fold(hash, record[name]);
  }
}

function foldNumber(hash: CommandHash, value: number): void {
  word(hash, value | 0, NUMBER);
  if (value === (value | 0)) return;
  word(hash, Math.floor(value / TWO_TO_32) | 0, LARGE);
  // Fractions of a nanosecond decide too.
  if (!Number.isInteger(value)) word(hash, ((value - Math.floor(value)) * TWO_TO_32) | 0, FRACTION);
}

function foldText(hash: CommandHash, text: string): void {
  word(hash, text.length, TEXT);
  for (let i = 0; i < text.length; i += 2) word(hash, text.charCodeAt(i) | (i + 1 < text.length ? text.charCodeAt(i + 1) << 16 : 0), TEXT);
}

function wordOf(text: string): number {
  let known = wordsOfTexts.get(text);
  if (known === undefined) {
    const hash = emptyCommandHash();
    foldText(hash, text);
    known = hash.high | 0;
    if (wordsOfTexts.size < WORDS_MAX) wordsOfTexts.set(text, known);
  }
  return known;
}

function word(hash: CommandHash, value: number, kind: number): void {
  hash.high = mix32(hash.high ^ value);
  hash.low = (Math.imul(hash.low ^ value ^ kind, 0x01000193) + hash.high) >>> 0;
}
