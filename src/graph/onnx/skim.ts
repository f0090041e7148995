import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { damaged, type WireCursor, wireCursor } from "./wire-cursor.ts";
import { type FieldUse, type MessageKind, WIRE_FIELDS } from "./wire-fields.ts";
import { type WireOutput, wireOutput } from "./wire-output.ts";

/** Data of a tensor up to this stays: 256 numbers of 8 bytes, all that shape arithmetic reads. */
const KEPT_DATA_BYTES = 2048;
/** Names and attributes of the largest language models take some tens of MiB. */
const MAX_STRUCTURE_BYTES = 128 << 20;
/** A message becomes an object of some hundred bytes; the largest models have under a million. */
const MAX_MESSAGES = 2_000_000;
/** Numbers in attributes; each may become an object. */
const MAX_NUMBERS = 8_000_000;
/** Messages within messages; a body within a body takes five. */
const MAX_DEPTH = 80;

/** `location` of data that lies in the model's own file; no path, so nothing else is called so. */
export const OWN_FILE = "";

interface Skimming {
  readonly cursor: WireCursor;
  readonly out: WireOutput;
  messages: number;
  numbers: number;
}

/**
 * An ONNX model's protobuf without the data of its weights, small enough to decode whole. Data that was cut out becomes external data of the
 * file itself: `location` empty, `offset` and `length` in it, the data's `field`, and where the whole tensor's message lies (`start`, `end`).
 *
 * Model: lengths of the original are walked with every bound checked; data is jumped over and not read from the source.
 * Errors: `onnx-invalid` for damage, `onnx-unsupported` past the limits.
 */
export function skim(source: ByteSource): Uint8Array {
  const skimming: Skimming = { cursor: wireCursor(source), out: wireOutput(), messages: 0, numbers: 0 };
  message(skimming, "model", source.byteLength, 0);
  return skimming.out.bytes();
}

function message(skimming: Skimming, kind: Exclude<MessageKind, "leaf">, end: number, depth: number): void {
  const { cursor } = skimming;
  if (depth > MAX_DEPTH) throw beyond("graphs are nested too deep");
  if (++skimming.messages > MAX_MESSAGES) throw beyond(`more than ${MAX_MESSAGES} messages`);
  const cut = kind === "tensor" ? { kept: 0, data: undefined } : undefined;
  const start = cursor.position;
  while (cursor.position < end) field(skimming, { kind, end, depth, cut });
  if (cut?.data !== undefined) writeLocation(skimming.out, cut.data, { start, end });
}

interface CutData {
  readonly field: number;
  readonly offset: number;
  readonly length: number;
}

interface Place {
  readonly kind: Exclude<MessageKind, "leaf">;
  readonly end: number;
  readonly depth: number;
  readonly cut: { kept: number; data: CutData | undefined } | undefined;
}

function field(skimming: Skimming, place: Place): void {
  const { cursor } = skimming;
  const from = cursor.position;
  const tag = cursor.varint(place.end);
  const number = Math.floor(tag / 8);
  if (number < 1 || number >= 1 << 29) throw damaged(from, "not a field of a protobuf message");
  const use: FieldUse | undefined = WIRE_FIELDS[place.kind][number];
  if (tag % 8 === 2) bytesField(skimming, place, { from, tag, use });
  else numberField(skimming, place, { from, tag, use });
}

interface Field {
  /** Where its tag begins. */
  readonly from: number;
  readonly tag: number;
  /** Undefined: it is left out. */
  readonly use: FieldUse | undefined;
}

/** A field of one number. */
function numberField(skimming: Skimming, place: Place, { from, tag, use }: Field): void {
  const { cursor } = skimming;
  const wire = tag % 8;
  if (wire === 0) cursor.varint(place.end);
  else if (wire === 1 || wire === 5) cursor.skip(wire === 1 ? 8 : 4, place.end);
  else throw damaged(from, "not a field of a protobuf message");
  if (use === undefined) return;
  if (use === "numbers") count(skimming, 1);
  if (use === "data" && !keeps(place, { field: Math.floor(tag / 8), offset: from, length: cursor.position - from })) return;
  copy(skimming, from);
}

/** A field of so many bytes: text, data, packed numbers or a message. */
function bytesField(skimming: Skimming, place: Place, { from, tag, use }: Field): void {
  const { cursor, out } = skimming;
  const length = cursor.varint(place.end);
  const start = cursor.position;
  if (length > place.end - start) throw damaged(start, `${length} bytes are announced where ${place.end - start} are left`);
  switch (use) {
    case undefined:
      cursor.skip(length, place.end);
      return;
    case "leaf":
      if (++skimming.messages > MAX_MESSAGES) throw beyond(`more than ${MAX_MESSAGES} messages`);
      break;
    case "numbers":
      count(skimming, length);
      break;
    case "data":
      cursor.skip(length, place.end);
      if (keeps(place, { field: Math.floor(tag / 8), offset: start, length })) copy(skimming, from);
      return;
    case "copy":
      break;
    default: {
      const mark = out.open(tag);
      message(skimming, use, start + length, place.depth + 1);
      out.close(mark);
      return;
    }
  }
  cursor.skip(length, place.end);
  copy(skimming, from);
}

function keeps({ cut }: Place, data: CutData): boolean {
  cut!.kept += data.length;
  if (cut!.kept <= KEPT_DATA_BYTES) return true;
  cut!.data ??= data;
  return false;
}

function copy({ cursor, out }: Skimming, from: number): void {
  const length = cursor.position - from;
  if (out.length + length > MAX_STRUCTURE_BYTES) throw beyond(`more than ${MAX_STRUCTURE_BYTES} bytes beside weights`);
  out.write(cursor.view(from, length));
}

function count(skimming: Skimming, numbers: number): void {
  skimming.numbers += numbers;
  if (skimming.numbers > MAX_NUMBERS) throw beyond(`more than ${MAX_NUMBERS} numbers in attributes`);
}

/** Source: onnx.proto, TensorProto: external_data is field 13, data_location 14 with EXTERNAL = 1. */
function writeLocation(out: WireOutput, { field, offset, length }: CutData, { start, end }: { start: number; end: number }): void {
  const data = { location: OWN_FILE, offset: String(offset), length: String(length), field: String(field) };
  const entries = { ...data, start: String(start), end: String(end) };
  for (const [key, value] of Object.entries(entries)) {
    const mark = out.open(13 * 8 + 2);
    for (const [number, text] of [
      [1, key],
      [2, value],
    ] as const) {
      const inner = out.open(number * 8 + 2);
      out.write(new TextEncoder().encode(text));
      out.close(inner);
    }
    out.close(mark);
  }
  out.write(Uint8Array.of(14 * 8, 1));
}

function beyond(detail: string): HeddleError {
  return new HeddleError("onnx-unsupported", { detail });
}
