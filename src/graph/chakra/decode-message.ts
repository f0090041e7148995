import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { AttributeValue } from "../ir/graph.ts";
import type { ChakraIo, ChakraNode } from "./chakra-node.ts";

/** What the first message of a trace says. */
export interface ChakraHeader {
  readonly version: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** The reader's own numbers are bigints past 32 bits. */
type Whole = bigint | string | number;
type Values = (reader: BinaryReader) => AttributeValue | undefined;

/** Messages of et_def.proto by their field numbers. Errors: those of the library where bytes are no such message. */
export function decodeHeader(bytes: Uint8Array): ChakraHeader {
  let version = "";
  const attributes: [string, AttributeValue][] = [];
  walk(bytes, (field, reader) => {
    if (field === 1) version = reader.string();
    else if (field === 2) attributes.push(...attribute(reader.bytes()));
    else return false;
    return true;
  });
  return { version, attributes: Object.fromEntries(attributes) };
}

export function decodeNode(bytes: Uint8Array): ChakraNode {
  let [id, name, type, startMicros, durationMicros] = ["0", "", 0, 0, 0];
  let [inputs, outputs]: (ChakraIo | undefined)[] = [undefined, undefined];
  const [ctrlDeps, dataDeps]: [string[], string[]] = [[], []];
  const attributes: [string, AttributeValue][] = [];
  walk(bytes, (field, reader, wire) => {
    if (field === 1) id = String(reader.uint64());
    else if (field === 2) name = reader.string();
    else if (field === 3) type = reader.int32();
    else if (field === 4) repeated(reader, wire, (each) => ctrlDeps.push(String(each.uint64())));
    else if (field === 5) repeated(reader, wire, (each) => dataDeps.push(String(each.uint64())));
    else if (field === 6) startMicros = Number(reader.uint64());
    else if (field === 7) durationMicros = Number(reader.uint64());
    else if (field === 8) inputs = io(reader.bytes());
    else if (field === 9) outputs = io(reader.bytes());
    else if (field === 10) attributes.push(...attribute(reader.bytes()));
    else return false;
    return true;
  });
  return { id, name, type, ctrlDeps, dataDeps, startMicros, durationMicros, inputs, outputs, attributes: Object.fromEntries(attributes) };
}

/** Calls `take` for every field; what it does not know is jumped over. */
function walk(bytes: Uint8Array, take: (field: number, reader: BinaryReader, wire: WireType) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!take(field, reader, wire)) reader.skip(wire, field);
  }
}

/** Numbers of a list stand packed in one field or each in its own. */
function repeated(reader: BinaryReader, wire: WireType, take: (reader: BinaryReader) => void): void {
  if (wire !== WireType.LengthDelimited) {
    take(reader);
    return;
  }
  const inner = new BinaryReader(reader.bytes());
  while (inner.pos < inner.len) take(inner);
}

function io(bytes: Uint8Array): ChakraIo {
  const texts = { values: "", shapes: "", types: "" };
  walk(bytes, (field, reader) => {
    if (field === 1) texts.values = reader.string();
    else if (field === 2) texts.shapes = reader.string();
    else if (field === 3) texts.types = reader.string();
    else return false;
    return true;
  });
  return texts;
}

/** Numbers beyond 2^53 are kept as their digits. */
function whole(value: Whole): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Kinds of values by field: singles at odd numbers from 3, lists of them one further. Source: et_def.proto, AttributeProto. */
const SINGLES: Readonly<Record<number, Values>> = {
  3: (reader) => reader.double(),
  5: (reader) => reader.float(),
  7: (reader) => reader.int32(),
  9: (reader) => whole(reader.int64()),
  11: (reader) => reader.uint32(),
  13: (reader) => whole(reader.uint64()),
  15: (reader) => reader.sint32(),
  17: (reader) => whole(reader.sint64()),
  19: (reader) => reader.fixed32(),
  21: (reader) => whole(reader.fixed64()),
  23: (reader) => reader.sfixed32(),
  25: (reader) => whole(reader.sfixed64()),
  27: (reader) => reader.bool(),
  29: (reader) => reader.string(),
};

function attribute(bytes: Uint8Array): [string, AttributeValue][] {
  let name = "";
  let value: AttributeValue | undefined;
  walk(bytes, (field, reader) => {
    if (field === 1) name = reader.string();
    else if (SINGLES[field] !== undefined) value = SINGLES[field](reader);
    else if (SINGLES[field - 1] !== undefined) value = list(reader.bytes(), SINGLES[field - 1]!);
    else return false;
    return true;
  });
  return value === undefined ? [] : [[name, value]];
}

function list(bytes: Uint8Array, single: Values): AttributeValue {
  const items: (number | string)[] = [];
  const take = (reader: BinaryReader): void => {
    const item = single(reader);
    if (item !== undefined) items.push(typeof item === "boolean" ? Number(item) : (item as number | string));
  };
  walk(bytes, (field, reader, wire) => {
    if (field !== 1) return false;
    // Texts are length-delimited themselves, and never packed.
    if (single === SINGLES[29]) take(reader);
    else repeated(reader, wire, take);
    return true;
  });
  return items.every((item) => typeof item === "number") ? (items as number[]) : items.map(String);
}
