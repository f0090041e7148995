import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { WeightFormat } from "../decoder/weights.ts";

/** Longest header. Source: the limit of the format's reference implementation (safetensors, MAX_HEADER_SIZE). */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_DIMENSIONS = 8;
const TWO_POW_32 = 4294967296;

/** Bytes an element takes in every type of the format; those of 0 are packed and never read. */
const TYPE_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
  C64: 8,
};
const READ_TYPES: ReadonlySet<string> = new Set<WeightFormat>(["F32", "F16", "BF16"]);

export interface SafetensorsTensor {
  /** `unread` for types that hold no weights heddle reads; `type` names it. */
  readonly format: WeightFormat | "unread";
  readonly type: string;
  readonly shape: readonly number[];
  /** Position of the data in the file, in bytes. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly headerBytes: number;
  readonly bytes: ByteSource;
}

/**
 * Reads the header of a safetensors file. The data of all tensors must fill the rest of the file without gap or overlap, as the format asks.
 *
 * Complexity: linear in the header; tensor data is not touched.
 * Errors: `safetensors-invalid` naming offset or tensor; `name` goes in front.
 */
export function readSafetensors(bytes: ByteSource, name = "safetensors"): SafetensorsFile {
  const fail = (where: string, detail: string): HeddleError =>
    new HeddleError("safetensors-invalid", { where: `${name}, ${where}`, detail });
  if (bytes.byteLength < 8) throw fail("offset 0", "the file ends before 8 bytes");
  const prefix = new DataView(bytes.read(0, 8).slice().buffer);
  const length = prefix.getUint32(0, true) + prefix.getUint32(4, true) * TWO_POW_32;
  if (length > Math.min(MAX_HEADER_BYTES, bytes.byteLength - 8)) throw fail("offset 0", `a header of ${length} bytes`);
  const headerBytes = 8 + length;
  const header = parseHeader(bytes.read(8, length), fail);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [key, entry] of Object.entries(header)) {
    if (key !== "__metadata__")
      tensors.set(
        key,
        readEntry(entry, headerBytes, (detail) => fail(`tensor ${key}`, detail)),
      );
  }
  checkCover(tensors, { start: headerBytes, end: bytes.byteLength }, fail);
  return { tensors, headerBytes, bytes };
}

type Fail = (where: string, detail: string) => HeddleError;

function parseHeader(text: Uint8Array, fail: Fail): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    throw fail("header", "it is not JSON");
  }
  if (!isRecord(header)) throw fail("header", "it is not an object");
  return header;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readEntry(entry: unknown, dataStart: number, fail: (detail: string) => HeddleError): SafetensorsTensor {
  if (!isRecord(entry)) throw fail("it is not an object");
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string") throw fail("it has no dtype");
  if (!isSizes(shape) || shape.length > MAX_DIMENSIONS) throw fail("its shape is not a list of sizes");
  if (!isSizes(offsets) || offsets.length !== 2) throw fail("its data_offsets are not two positions");
  const [begin = 0, end = 0] = offsets;
  if (end < begin) throw fail("its data ends before it begins");
  const elementBytes = Object.hasOwn(TYPE_BYTES, dtype) ? TYPE_BYTES[dtype] : undefined;
  const expected = shape.reduce((product, size) => product * size, elementBytes ?? 0);
  if (elementBytes !== undefined && expected !== end - begin) {
    throw fail(`${end - begin} bytes of data for the shape [${shape.join(", ")}] of ${dtype}`);
  }
  const format = READ_TYPES.has(dtype) ? (dtype as WeightFormat) : "unread";
  return { format, type: dtype, shape, offset: dataStart + begin, byteLength: end - begin };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkCover(tensors: ReadonlyMap<string, SafetensorsTensor>, data: { start: number; end: number }, fail: Fail): void {
  let at = data.start;
  const order = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  for (const [name, tensor] of order) {
    if (tensor.offset !== at) throw fail(`tensor ${name}`, `its data begins at byte ${tensor.offset}, the one before ends at ${at}`);
    at += tensor.byteLength;
  }
  if (at !== data.end) throw fail("the end", `the tensors end at byte ${at} of a file of ${data.end}`);
}
