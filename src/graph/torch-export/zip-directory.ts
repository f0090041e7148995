import type { ByteSource } from "../../base/bytes.ts";
import { invalid } from "./failures.ts";

/** An entry of a zip file, as its directory states it. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly byteLength: number;
  /** Position of the entry's local header. */
  readonly offset: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const END_64 = 0x06064b50;
const END_64_BYTES = 56;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
/** Fields that lie in the 64-bit extra field hold this. */
const IN_EXTRA = 0xffffffff;
const EXTRA_64 = 1;
/** A model of 100,000 weights has a directory of about 10 MB. */
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;
const TWO_POW_32 = 4294967296;

/**
 * Entries of a zip file, from its directory alone: no entry is read.
 *
 * Why: libraries that read zip files in a browser want the whole file or are asynchronous; weights of many GB stay where they are.
 * Errors: `torch-export-invalid` where the directory is missing or contradicts the file. Source: PKWARE APPNOTE 6.3.10, 4.3.12 to 4.5.3.
 */
export function readZipDirectory(source: ByteSource): ReadonlyMap<string, ZipEntry> {
  const { offset, byteLength, count } = directoryOf(source);
  if (byteLength > MAX_DIRECTORY_BYTES || offset + byteLength > source.byteLength) {
    throw invalid("the zip directory", `${byteLength} bytes at ${offset} of ${source.byteLength}`);
  }
  if (count * ENTRY_BYTES > byteLength) throw invalid("the zip directory", `${count} entries in ${byteLength} bytes`);
  const view = viewOf(source.read(offset, byteLength));
  const entries = new Map<string, ZipEntry>();
  for (let at = 0, index = 0; index < count; index++) {
    const where = `entry ${index} of the zip directory`;
    if (at + ENTRY_BYTES > byteLength || view.getUint32(at, true) !== ENTRY) throw invalid(where, "it is not there");
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const next = at + ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > byteLength) throw invalid(where, "it reaches past the directory");
    const entry = entryAt(view, at, { nameBytes, extraBytes });
    if (view.getUint16(at + 8, true) & 1) throw invalid(where, "it is encrypted");
    if (![entry.offset, entry.compressedBytes, entry.byteLength].every(Number.isSafeInteger)) throw invalid(where, "sizes past 2^53");
    if (entry.offset + entry.compressedBytes > source.byteLength) throw invalid(where, "its data reaches past the file");
    if (entries.has(entry.name)) throw invalid(where, `"${entry.name.slice(0, 120)}" is there twice`);
    entries.set(entry.name, entry);
    at = next;
  }
  return entries;
}

function directoryOf(source: ByteSource): { readonly offset: number; readonly byteLength: number; readonly count: number } {
  const tailBytes = Math.min(source.byteLength, END_BYTES + MAX_COMMENT);
  const tail = viewOf(source.read(source.byteLength - tailBytes, tailBytes));
  for (let at = tailBytes - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END || at + END_BYTES + tail.getUint16(at + 20, true) !== tailBytes) continue;
    const end = source.byteLength - tailBytes + at;
    return (
      directory64(source, end) ?? {
        count: tail.getUint16(at + 10, true),
        byteLength: tail.getUint32(at + 12, true),
        offset: tail.getUint32(at + 16, true),
      }
    );
  }
  throw invalid("the end of the file", "no zip directory is there");
}

/** Directories with large numbers have a second end record, whose place is told before the first. */
function directory64(source: ByteSource, end: number): ReturnType<typeof directoryOf> | undefined {
  if (end < LOCATOR_64_BYTES) return undefined;
  const locator = viewOf(source.read(end - LOCATOR_64_BYTES, LOCATOR_64_BYTES));
  if (locator.getUint32(0, true) !== LOCATOR_64) return undefined;
  const at = uint64(locator, 8);
  if (!(at + END_64_BYTES <= source.byteLength)) throw invalid("the zip64 directory", `it is said to be at ${at}`);
  const record = viewOf(source.read(at, END_64_BYTES));
  if (record.getUint32(0, true) !== END_64) throw invalid("the zip64 directory", `it is not at ${at}`);
  return { count: uint64(record, 32), byteLength: uint64(record, 40), offset: uint64(record, 48) };
}

function entryAt(view: DataView, at: number, { nameBytes, extraBytes }: { nameBytes: number; extraBytes: number }): ZipEntry {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + ENTRY_BYTES, nameBytes);
  const large = largeNumbers(view, at + ENTRY_BYTES + nameBytes, extraBytes);
  // Numbers that did not fit stand in the extra field, in this order.
  const number = (field: number): number => {
    const value = view.getUint32(at + field, true);
    return value === IN_EXTRA ? (large.shift() ?? value) : value;
  };
  const byteLength = number(24);
  const compressedBytes = number(20);
  const offset = number(42);
  return {
    name: new TextDecoder().decode(bytes),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    compressedBytes,
    byteLength,
    offset,
  };
}

function largeNumbers(view: DataView, from: number, byteLength: number): number[] {
  const end = from + byteLength;
  for (let at = from; at + 4 <= end; ) {
    const size = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === EXTRA_64) {
      const numbers: number[] = [];
      for (let place = at + 4; place + 8 <= Math.min(end, at + 4 + size); place += 8) numbers.push(uint64(view, place));
      return numbers;
    }
    at += 4 + size;
  }
  return [];
}

function uint64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_POW_32;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
