import type { ByteSource } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { rowBytes } from "../decoder/formats.ts";
import type { WeightFormat } from "../decoder/weights.ts";
import { GgufCursor } from "./gguf-cursor.ts";
import type { GgufFile, GgufTensor, GgufValue } from "./gguf-file.ts";
import { maxPairs, readMetadata } from "./gguf-metadata.ts";

/** "GGUF" as a little-endian integer. */
const MAGIC = 0x46554747;
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 65536;
const MAX_DIMENSIONS = 4;
const MAX_NAME_BYTES = 255;
/** Smallest entry of the tensor table: empty name, one dimension, type, offset. */
const MIN_TENSOR_BYTES = 32;

/** Names of the tensor types of ggml.h, so that an error can name one that is not read. */
const TYPE_NAMES: readonly string[] = (
  "F32 F16 Q4_0 Q4_1 Q4_2 Q4_3 Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ2_S " +
  "IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0"
).split(" ");
const READ_TYPES: ReadonlyMap<number, WeightFormat> = new Map([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [8, "Q8_0"],
  [12, "Q4_K"],
  [14, "Q6_K"],
  [30, "BF16"],
]);

/**
 * Reads the header of a GGUF file (versions 2 and 3, little-endian) and checks every length, count and offset against the file.
 *
 * Complexity: time and memory are linear in the header; tensor data is not touched.
 * Errors: `gguf-invalid` with the offset; `gguf-unsupported` naming the version or tensor type.
 */
export function readGguf(bytes: ByteSource): GgufFile {
  const cursor = new GgufCursor(bytes);
  if (cursor.u32() !== MAGIC) throw cursor.invalid("it does not begin with GGUF", 0);
  const version = readVersion(cursor);
  const tensorCount = cursor.count("the number of tensors", Math.floor(cursor.remaining / MIN_TENSOR_BYTES));
  const pairs = cursor.count("the number of metadata keys", maxPairs(cursor));
  const metadata = readMetadata(cursor, pairs);
  const entries: TensorEntry[] = [];
  for (let i = 0; i < tensorCount; i++) entries.push(readEntry(cursor));
  const headerBytes = cursor.position;
  const alignment = alignmentOf(metadata);
  const dataStart = Math.ceil(headerBytes / alignment) * alignment;
  const tensors = placeTensors(entries, { alignment, dataStart, fileBytes: bytes.byteLength });
  return { version, metadata, tensors, headerBytes, bytes };
}

interface TensorEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly relativeOffset: number;
}

function readVersion(cursor: GgufCursor): number {
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  if (version === 1) throw new HeddleError("gguf-unsupported", { where: "version", detail: "version 1 of the format" });
  if (version === 0x03000000 || version === 0x02000000) {
    throw new HeddleError("gguf-unsupported", { where: "version", detail: "big-endian files" });
  }
  throw cursor.invalid(`the version is ${version}`, 4);
}

function readEntry(cursor: GgufCursor): TensorEntry {
  const name = cursor.string("a tensor name", MAX_NAME_BYTES);
  const at = cursor.position;
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) throw cursor.invalid(`${name} has ${dimensions} dimensions`, at);
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(cursor.count(`a dimension of ${name}`, Number.MAX_SAFE_INTEGER));
  const type = cursor.u32();
  return { name, shape, type, relativeOffset: cursor.count(`the offset of ${name}`, Number.MAX_SAFE_INTEGER) };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const value = metadata.get("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_ALIGNMENT && (value & (value - 1)) === 0) {
    return value;
  }
  throw new HeddleError("gguf-invalid", { where: "general.alignment", detail: `it must be a power of 2 up to ${MAX_ALIGNMENT}` });
}

interface Layout {
  readonly alignment: number;
  readonly dataStart: number;
  readonly fileBytes: number;
}

function placeTensors(entries: readonly TensorEntry[], layout: Layout): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const entry of entries) {
    if (tensors.has(entry.name)) throw invalidTensor(entry.name, "it appears twice");
    tensors.set(entry.name, placeTensor(entry, layout));
  }
  let end = layout.dataStart;
  for (const tensor of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end) throw invalidTensor(tensor.name, "its data overlaps another tensor's");
    end = tensor.offset + tensor.byteLength;
  }
  return tensors;
}

function placeTensor(entry: TensorEntry, layout: Layout): GgufTensor {
  const { name, shape, type, relativeOffset } = entry;
  const format = READ_TYPES.get(type);
  if (format === undefined) {
    const known = TYPE_NAMES[type];
    if (known === undefined) throw invalidTensor(name, `the tensor type ${type} does not exist`);
    throw new HeddleError("gguf-unsupported", { where: `tensor ${name}`, detail: `the format ${known}` });
  }
  const perRow = rowBytes(format, shape.at(-1) ?? 1);
  if (perRow === undefined) throw invalidTensor(name, `rows of ${shape.at(-1)} elements cannot be ${format}`);
  const byteLength = shape.slice(0, -1).reduce((product, size) => product * size, perRow);
  if (byteLength === 0) throw invalidTensor(name, "it has no elements");
  if (relativeOffset % layout.alignment !== 0) throw invalidTensor(name, `its offset ${relativeOffset} is not aligned`);
  const offset = layout.dataStart + relativeOffset;
  if (offset + byteLength > layout.fileBytes) {
    throw invalidTensor(name, `its data ends at byte ${offset + byteLength} of a file of ${layout.fileBytes}`);
  }
  return { name, format, shape, offset, byteLength };
}

function invalidTensor(name: string, detail: string): HeddleError {
  return new HeddleError("gguf-invalid", { where: `tensor ${name}`, detail });
}
