import { parquetHeader } from "hyparquet/src/column.js";
import { decompressPage } from "hyparquet/src/datapage.js";
import type { parquetMetadata } from "hyparquet/src/metadata.js";
import { compressors } from "hyparquet-compressors";
import { runsFit } from "./run-lengths.ts";

type Metadata = ReturnType<typeof parquetMetadata>;
type Header = ReturnType<typeof parquetHeader>;

/** Most values of a page and most bytes it unpacks to. */
const VALUES_MAX = 10_000_000;
const PAGE_BYTES_MAX = 268_435_456;
const DICTIONARY_BITS_MAX = 32;

/**
 * Walks the pages of every column that will be read, so that no damaged one sends the reader in circles or makes it write without end: pages lie behind one
 * another inside their column, sizes and counts have bounds, and runs are no longer than their page. Columns are flat.
 *
 * Returns what is wrong in words, undefined where nothing is. Throws what the parsers throw on bytes that are no page.
 */
export function pageFault(buffer: ArrayBuffer, metadata: Metadata, columns: ReadonlySet<string>): string | undefined {
  const optional = new Set(metadata.schema.filter(({ repetition_type }) => repetition_type === "OPTIONAL").map(({ name }) => name));
  for (const { columns: chunks } of metadata.row_groups) {
    for (const { meta_data: chunk } of chunks) {
      const name = chunk?.path_in_schema[0];
      if (chunk === undefined || name === undefined || !columns.has(name)) continue;
      if (chunk.path_in_schema.length > 1) return `column ${name} is not flat`;
      const data = Number(chunk.data_page_offset);
      const start = Math.min(data, Number(chunk.dictionary_page_offset ?? 0n) || data);
      const length = Number(chunk.total_compressed_size);
      if (!(start >= 4 && length > 0 && start + length <= buffer.byteLength)) return `column ${name} does not lie inside the file`;
      const fault = chunkFault(new DataView(buffer, start, length), chunk.codec, optional.has(name));
      if (fault !== undefined) return `column ${name}: ${fault}`;
    }
  }
  return undefined;
}

function chunkFault(view: DataView, codec: Parameters<typeof decompressPage>[2], optional: boolean): string | undefined {
  const reader = { view, offset: 0 };
  // As the reader does, which takes a byte that is left for none.
  while (reader.offset < view.byteLength - 1) {
    const header = parquetHeader(reader);
    const packed: unknown = header.compressed_page_size;
    if (!isBetween(packed, view.byteLength - reader.offset) || !isBetween(header.uncompressed_page_size, PAGE_BYTES_MAX)) {
      return "a page has an impossible size";
    }
    const values = (header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header)?.num_values;
    if (!isBetween(values, VALUES_MAX)) return "a page has an impossible number of values";
    const bytes = new Uint8Array(view.buffer, view.byteOffset + reader.offset, packed);
    if (!runsOf(header, bytes, codec, optional)) return "a page's runs do not fit it";
    reader.offset += packed;
  }
  return undefined;
}

/** Whether levels and dictionary indices of a data page fit its number of values. */
function runsOf(header: Header, bytes: Uint8Array, codec: Parameters<typeof decompressPage>[2], optional: boolean): boolean {
  const first = header.data_page_header;
  const second = header.data_page_header_v2;
  if (first !== undefined) {
    let page = decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
    if (optional) {
      const length = new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(0, true);
      if (length > page.length - 4 || !runsFit(page.subarray(4, 4 + length), { bits: 1, values: first.num_values })) return false;
      page = page.subarray(4 + length);
    }
    return !isIndexed(first.encoding) || indicesFit(page, first.num_values);
  }
  if (second === undefined) return true;
  const levels: unknown = second.definition_levels_byte_length;
  if (!isBetween(levels, bytes.length) || second.repetition_levels_byte_length !== 0 || !isBetween(second.num_nulls, second.num_values))
    return false;
  if (optional && !runsFit(bytes.subarray(0, levels), { bits: 1, values: second.num_values })) return false;
  if (!isIndexed(second.encoding)) return true;
  const rest = bytes.subarray(levels);
  const unpacked = header.uncompressed_page_size - levels;
  return indicesFit(
    second.is_compressed === false ? rest : decompressPage(rest, unpacked, codec, compressors),
    second.num_values - second.num_nulls,
  );
}

function isIndexed(encoding: string | undefined): boolean {
  return encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY";
}

/** Nulls are left out of the indices, so there may be fewer than `values`. */
function indicesFit(page: Uint8Array, values: number): boolean {
  const bits = page[0] ?? DICTIONARY_BITS_MAX + 1;
  return bits <= DICTIONARY_BITS_MAX && (values === 0 || runsFit(page.subarray(1), { bits, values }));
}

function isBetween(value: unknown, most: number): value is number {
  return typeof value === "number" && value >= 0 && value <= most;
}
