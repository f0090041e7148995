import { Decoder, Encoder, ExtensionCodec } from "@msgpack/msgpack";
import { HeddleError } from "../base/heddle-error.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isSoundMessagePack } from "./plain-data-check.ts";

/** Stands for `undefined` inside a list, which MessagePack does not know; inside a record a missing field says it. */
const ABSENT = new (class Absent {})();

const codec = new ExtensionCodec();
codec.register({
  type: 0,
  encode: (value) => (value === ABSENT ? new Uint8Array() : null),
  decode: () => undefined,
});
codec.register({
  type: 1,
  encode: (value) => (value instanceof Map ? encodeWire([...value].flat(1)) : null),
  decode: (bytes) => mapOf(decodeWire(bytes)),
});
codec.register({
  type: 2,
  encode: (value) => (value instanceof Int32Array ? bytesOfList(value) : null),
  decode: (bytes) => Int32Array.from(numbersOf(bytes, 4, (view, at) => view.getInt32(at, true))),
});
codec.register({
  type: 3,
  encode: (value) => (value instanceof Float64Array ? bytesOfList(value) : null),
  decode: (bytes) => Float64Array.from(numbersOf(bytes, 8, (view, at) => view.getFloat64(at, true))),
});

/** Fields that are `undefined` are left out, as in JSON. */
const OPTIONS = { extensionCodec: codec, ignoreUndefined: true } as const;

/** Plain data (records, lists, maps, numbers, text, typed arrays) as MessagePack. */
export function encodePlain(value: unknown): Uint8Array {
  return encodeWire(withAbsent(value));
}

/** As `encodePlain`, for data without maps and without `undefined` in lists: no copy is made. */
export function encodePlainRecord(value: unknown): Uint8Array {
  return encoder.encode(value);
}

const encoder = new Encoder(OPTIONS);
/** Kept: a ledger is read by decoding a short record after another. A map decodes within its record; the decoder copies itself for that. */
const decoder = new Decoder(OPTIONS);

/** The value `encodePlain` was given. Whatever the bytes: a value no larger than a small multiple of them, or what is wrong. */
export function decodePlain(bytes: Uint8Array): Result<unknown, string> {
  try {
    return ok(decodeWire(bytes));
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function encodeWire(value: unknown): Uint8Array {
  return new Encoder(OPTIONS).encode(value);
}

function decodeWire(bytes: Uint8Array): unknown {
  if (!isSoundMessagePack(bytes)) throw invalid("is not well-formed MessagePack");
  return decoder.decode(bytes);
}

function withAbsent(value: unknown): unknown {
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? ABSENT : withAbsent(item)));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, item === undefined ? ABSENT : withAbsent(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withAbsent(item)]));
}

function mapOf(list: unknown): Map<unknown, unknown> {
  if (!Array.isArray(list) || list.length % 2 !== 0) throw invalid("a map is a list of keys and values");
  const map = new Map<unknown, unknown>();
  for (let i = 0; i < list.length; i += 2) map.set(list[i], list[i + 1]);
  return map;
}

function bytesOfList(list: Int32Array | Float64Array): Uint8Array {
  const width = list.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(list.length * width));
  list.forEach((value, i) => {
    if (width === 4) view.setInt32(i * 4, value, true);
    else view.setFloat64(i * 8, value, true);
  });
  return new Uint8Array(view.buffer);
}

function numbersOf(bytes: Uint8Array, width: number, read: (view: DataView, at: number) => number): number[] {
  if (bytes.length % width !== 0) throw invalid("a typed list ends inside an element");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / width }, (_, i) => read(view, i * width));
}

function invalid(detail: string): HeddleError {
  return new HeddleError("ledger-invalid", { detail });
}
