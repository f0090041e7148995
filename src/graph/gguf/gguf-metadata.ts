import type { GgufCursor } from "./gguf-cursor.ts";
import type { GgufNumbers, GgufValue } from "./gguf-file.ts";

/** Strings a header may hold in all arrays together: 16 times the largest vocabulary in use; bounds the memory a damaged file can take. */
const MAX_STRINGS = 4_194_304;
/** Smallest key-value pair: empty key, type, one byte. */
const MIN_PAIR_BYTES = 13;
/** Longest key of the format's description. */
const MAX_KEY_BYTES = 65535;
const STRING_TYPE = 8;
const ARRAY_TYPE = 9;
const BOOL_TYPE = 7;

interface NumberType {
  readonly bytes: number;
  readonly make: (data: Uint8Array<ArrayBuffer>) => GgufNumbers;
}

const NUMBER_TYPES: ReadonlyMap<number, NumberType> = new Map([
  [0, { bytes: 1, make: (data) => data }],
  [1, { bytes: 1, make: (data) => new Int8Array(data.buffer) }],
  [2, { bytes: 2, make: (data) => new Uint16Array(data.buffer) }],
  [3, { bytes: 2, make: (data) => new Int16Array(data.buffer) }],
  [4, { bytes: 4, make: (data) => new Uint32Array(data.buffer) }],
  [5, { bytes: 4, make: (data) => new Int32Array(data.buffer) }],
  [6, { bytes: 4, make: (data) => new Float32Array(data.buffer) }],
  [BOOL_TYPE, { bytes: 1, make: (data) => data }],
  [10, { bytes: 8, make: (data) => Float64Array.from(new BigUint64Array(data.buffer), Number) }],
  [11, { bytes: 8, make: (data) => Float64Array.from(new BigInt64Array(data.buffer), Number) }],
  [12, { bytes: 8, make: (data) => new Float64Array(data.buffer) }],
]);

/** Reads `count` key-value pairs. Errors: `gguf-invalid` with the offset. */
export function readMetadata(cursor: GgufCursor, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  const budget = { strings: MAX_STRINGS };
  for (let i = 0; i < count; i++) {
    const at = cursor.position;
    const key = cursor.string(`key ${i}`, MAX_KEY_BYTES);
    if (metadata.has(key)) throw cursor.invalid(`the key ${JSON.stringify(key)} appears twice`, at);
    metadata.set(key, readValue(cursor, key, budget));
  }
  return metadata;
}

/** Most pairs the rest of the file can hold. */
export function maxPairs(cursor: GgufCursor): number {
  return Math.floor(cursor.remaining / MIN_PAIR_BYTES);
}

function readValue(cursor: GgufCursor, key: string, budget: { strings: number }): GgufValue {
  const at = cursor.position;
  const type = cursor.u32();
  if (type === STRING_TYPE) return cursor.string(key);
  if (type === ARRAY_TYPE) return readArray(cursor, key, budget);
  const numeric = NUMBER_TYPES.get(type);
  if (numeric === undefined) throw cursor.invalid(`${key} has the unknown value type ${type}`, at);
  const value = numeric.make(cursor.copy(numeric.bytes))[0] ?? 0;
  return type === BOOL_TYPE ? value !== 0 : value;
}

function readArray(cursor: GgufCursor, key: string, budget: { strings: number }): GgufNumbers | readonly string[] {
  const at = cursor.position;
  const type = cursor.u32();
  if (type === STRING_TYPE) {
    const length = cursor.count(`the length of ${key}`, Math.min(budget.strings, Math.floor(cursor.remaining / 8)));
    budget.strings -= length;
    const strings: string[] = [];
    for (let i = 0; i < length; i++) strings.push(cursor.string(`${key}[${i}]`));
    return strings;
  }
  const numeric = NUMBER_TYPES.get(type);
  if (numeric === undefined) throw cursor.invalid(`${key} is an array of the unknown type ${type}`, at);
  const length = cursor.count(`the length of ${key}`, Math.floor(cursor.remaining / numeric.bytes));
  return numeric.make(cursor.copy(length * numeric.bytes));
}
