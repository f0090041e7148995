import { Inflate } from "fflate";
import type { ByteSource } from "../../base/bytes.ts";
import { crc32 } from "../../base/crc32.ts";
import { invalid, unsupported } from "./failures.ts";
import type { ZipEntry } from "./zip-directory.ts";

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
/** Deflate makes no more than 1,032 bytes of one. */
const MOST_GROWTH = 1032;
/** Compressed bytes unpacked at a time; what one step makes stays below 17 MB. */
const STEP_BYTES = 16 * 1024;

/** Data of an entry of at most `limit` bytes. Errors: `torch-export-invalid` where data and directory differ, `torch-export-unsupported` past the limit. */
export function readZipEntry(source: ByteSource, entry: ZipEntry, limit: number): Uint8Array {
  const where = entry.name.slice(0, 120);
  if (entry.byteLength > limit) throw unsupported(where, `${entry.byteLength} bytes, at most ${limit}`);
  const packed = packedBytes(source, entry, where);
  const data = entry.method === STORED ? packed : entry.method === DEFLATED ? inflated(packed, entry, where) : undefined;
  if (data === undefined) throw unsupported(where, `compression method ${entry.method}`);
  if (data.length !== entry.byteLength) throw invalid(where, `${data.length} bytes, and the directory says ${entry.byteLength}`);
  if (crc32(data) !== entry.crc) throw invalid(where, "its checksum is wrong");
  return data;
}

function packedBytes(source: ByteSource, { offset, compressedBytes }: ZipEntry, where: string): Uint8Array {
  if (offset + LOCAL_BYTES > source.byteLength) throw invalid(where, "its header reaches past the file");
  const header = source.read(offset, LOCAL_BYTES);
  const view = new DataView(header.buffer, header.byteOffset, LOCAL_BYTES);
  const start = offset + LOCAL_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
  if (view.getUint32(0, true) !== LOCAL) throw invalid(where, "it has no header");
  if (start + compressedBytes > source.byteLength) throw invalid(where, "its data reaches past the file");
  return source.read(start, compressedBytes);
}

/** Stops as soon as more comes out than the directory says. */
function inflated(packed: Uint8Array, { byteLength }: ZipEntry, where: string): Uint8Array {
  if (byteLength > packed.length * MOST_GROWTH) throw invalid(where, `${packed.length} bytes cannot hold ${byteLength}`);
  const data = new Uint8Array(byteLength);
  let filled = 0;
  const stream = new Inflate((chunk) => {
    if (filled + chunk.length > byteLength) throw invalid(where, `more than the ${byteLength} bytes that the directory says`);
    data.set(chunk, filled);
    filled += chunk.length;
  });
  try {
    for (let at = 0; at < packed.length; at += STEP_BYTES) {
      stream.push(packed.subarray(at, at + STEP_BYTES), at + STEP_BYTES >= packed.length);
    }
  } catch (cause) {
    throw invalid(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return data.subarray(0, filled);
}
