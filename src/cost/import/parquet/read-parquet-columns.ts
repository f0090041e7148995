import { parquetMetadata } from "hyparquet/src/metadata.js";
import { parquetRead } from "hyparquet/src/read.js";
import { compressors } from "hyparquet-compressors";
import type { MeasurementColumns, WantedColumns } from "../measurement-columns.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import { pageFault } from "./check-pages.ts";

/** Largest file and most rows read; the largest public table has 0.5 MB and 115,000 rows. */
const FILE_BYTES_MAX = 268_435_456;
const ROWS_MAX = 10_000_000;

/** Named columns of a Parquet file, and those of `optional` that it has. */
export interface WantedParquet<N extends string, T extends string, O extends string, P extends string> extends WantedColumns<N, T> {
  /** Text and number columns that older files may lack. */
  readonly optional?: readonly O[];
  readonly optionalNumbers?: readonly P[];
}

export interface ParquetColumns<N extends string, T extends string, O extends string, P extends string> extends MeasurementColumns<N, T> {
  readonly optional: Readonly<Partial<Record<O, readonly string[]>>>;
  readonly optionalNumbers: Readonly<Partial<Record<P, Float64Array>>>;
}

/**
 * Columns of a Parquet file (uncompressed, Snappy, Zstandard, gzip, Brotli or LZ4); others are left alone. Numbers must be finite.
 *
 * Errors: `measurements-invalid` with column and row; never anything else, whatever the bytes.
 */
export async function readParquetColumns<N extends string, T extends string = never, O extends string = never, P extends string = never>(
  bytes: Uint8Array,
  wanted: WantedParquet<N, T, O, P>,
): Promise<ParquetColumns<N, T, O, P>> {
  const { file } = wanted;
  if (bytes.byteLength > FILE_BYTES_MAX)
    throw measurementsInvalid({ file }, `${bytes.byteLength} bytes, at most ${FILE_BYTES_MAX} are read`);
  // Not `slice`: that of a Node Buffer shares its pool.
  const buffer = Uint8Array.from(bytes).buffer;
  const { count, names, metadata } = headerOf(buffer, file);
  const missing = [...wanted.numbers, ...(wanted.texts ?? [])].find((column) => !names.has(column));
  if (missing !== undefined) {
    throw measurementsInvalid({ file, column: missing }, `the file has no such column; it has ${[...names].join(", ").slice(0, 200)}`);
  }
  const optional = (wanted.optional ?? []).filter((column) => names.has(column));
  const optionalNumbers = (wanted.optionalNumbers ?? []).filter((column) => names.has(column));
  const read = new Map<string, unknown[]>();
  for (const column of [...wanted.numbers, ...(wanted.texts ?? []), ...optional, ...optionalNumbers]) read.set(column, []);
  await fill(read, buffer, metadata, file);
  for (const [column, values] of read) {
    if (values.length !== count) throw measurementsInvalid({ file, column }, `holds ${values.length} of ${count} rows`);
  }
  const each = <K extends string, V>(columns: readonly K[], convert: (values: readonly unknown[], column: string) => V): Record<K, V> => {
    const converted = {} as Record<K, V>;
    for (const column of columns) converted[column] = convert(read.get(column)!, column);
    return converted;
  };
  const numbersOf = (values: readonly unknown[], column: string): Float64Array => toNumbers(values, file, column);
  const textsOf = (values: readonly unknown[], column: string): readonly string[] => toTexts(values, file, column);
  return {
    file,
    count,
    numbers: each(wanted.numbers, numbersOf),
    texts: each(wanted.texts ?? [], textsOf),
    optional: each(optional, textsOf),
    optionalNumbers: each(optionalNumbers, numbersOf),
    placeOf: (index, column) => ({ file, row: index + 1, column }),
  };
}

type Metadata = ReturnType<typeof parquetMetadata>;

function headerOf(buffer: ArrayBuffer, file: string): { count: number; names: ReadonlySet<string>; metadata: Metadata } {
  let metadata: Metadata;
  try {
    metadata = parquetMetadata(buffer);
  } catch (cause) {
    throw measurementsInvalid({ file }, `is no Parquet file, or its footer is damaged (${messageOf(cause)})`, cause);
  }
  const count = Number(metadata.num_rows);
  if (!(count >= 0 && count <= ROWS_MAX)) throw measurementsInvalid({ file }, `says it has ${count} rows, at most ${ROWS_MAX} are read`);
  const leaves = metadata.schema.slice(1).filter((element) => element.num_children === undefined);
  return { count, names: new Set(leaves.map(({ name }) => name)), metadata };
}

async function fill(read: ReadonlyMap<string, unknown[]>, buffer: ArrayBuffer, metadata: Metadata, file: string): Promise<void> {
  let fault: string | undefined;
  try {
    fault = pageFault(buffer, metadata, new Set(read.keys()));
  } catch (cause) {
    throw measurementsInvalid({ file }, `a page has no header (${messageOf(cause)})`, cause);
  }
  if (fault !== undefined) throw measurementsInvalid({ file }, fault);
  try {
    await parquetRead({
      file: { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) },
      metadata,
      columns: [...read.keys()],
      compressors,
      onChunk: ({ columnName, columnData, rowStart }) => {
        const values = read.get(columnName);
        for (let i = 0; values !== undefined && i < columnData.length; i++) values[rowStart + i] = columnData[i];
      },
    });
  } catch (cause) {
    throw measurementsInvalid({ file }, `a column cannot be decoded (${messageOf(cause)})`, cause);
  }
}

function toNumbers(values: readonly unknown[], file: string, column: string): Float64Array {
  return Float64Array.from(values, (value, i) => {
    const number = typeof value === "bigint" || typeof value === "number" ? Number(value) : Number.NaN;
    if (!Number.isFinite(number))
      throw measurementsInvalid({ file, row: i + 1, column }, `${String(value).slice(0, 40)} is not a finite number`);
    return number;
  });
}

function toTexts(values: readonly unknown[], file: string, column: string): readonly string[] {
  for (let i = 0; i < values.length; i++) {
    if (typeof values[i] !== "string") throw measurementsInvalid({ file, row: i + 1, column }, "is not a text");
  }
  return values as readonly string[];
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 120);
}
