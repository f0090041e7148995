import Papa from "papaparse";
import type { MeasurementColumns, WantedColumns } from "../measurement-columns.ts";
import { measurementsInvalid } from "../measurement-error.ts";

/** Longest text read, in characters; the largest public table has 1.5 million. */
const TEXT_LENGTH_MAX = 268_435_456;
/** A text that stands for no measurement, as pandas writes it. */
const MISSING = new Set(["", "nan", "NaN"]);

/**
 * Named columns of a CSV text with a header; other columns are left alone. Numbers must be finite.
 *
 * Errors: `measurements-invalid` with line and column; never anything else, whatever the text.
 */
export function readCsvColumns<N extends string, T extends string = never>(
  text: string,
  wanted: WantedColumns<N, T>,
): MeasurementColumns<N, T> {
  const { file } = wanted;
  const { header, rows, lines } = csvRows(text, file);
  const indexOf = (column: string): number => {
    const index = header.indexOf(column);
    if (index < 0)
      throw measurementsInvalid({ file, line: 1, column }, `the header has no such column; it names ${header.join(", ").slice(0, 200)}`);
    return index;
  };
  const numbers = {} as Record<N, Float64Array>;
  for (const column of wanted.numbers) {
    const index = indexOf(column);
    numbers[column] = Float64Array.from(rows, (row, i) => finite(row[index] ?? "", { file, line: lines[i]!, column }));
  }
  const texts = {} as Record<T, readonly string[]>;
  for (const column of wanted.texts ?? []) {
    const index = indexOf(column);
    texts[column] = rows.map((row) => row[index] ?? "");
  }
  return { file, count: rows.length, numbers, texts, placeOf: (index, column) => ({ file, line: lines[index] ?? 1, column }) };
}

/** Header names of a CSV text. Errors: `measurements-invalid`. */
export function csvHeader(text: string, file: string): readonly string[] {
  const end = text.indexOf("\n");
  return csvRows(end < 0 ? text : text.slice(0, end), file).header;
}

function csvRows(
  text: string,
  file: string,
): { header: readonly string[]; rows: readonly (readonly string[])[]; lines: readonly number[] } {
  if (text.length > TEXT_LENGTH_MAX) throw measurementsInvalid({ file }, `${text.length} characters, at most ${TEXT_LENGTH_MAX} are read`);
  const parsed = Papa.parse<string[]>(text.startsWith("\ufeff") ? text.slice(1) : text, { delimiter: ",", header: false });
  const fault = parsed.errors[0];
  if (fault !== undefined) throw measurementsInvalid({ file, line: (fault.row ?? 0) + 1 }, fault.message);
  const header = parsed.data[0]?.map((name) => name.trim());
  if (header === undefined || header.every((name) => name === ""))
    throw measurementsInvalid({ file, line: 1 }, "is empty: a header with column names is needed");
  const rows: (readonly string[])[] = [];
  const lines: number[] = [];
  for (let i = 1; i < parsed.data.length; i++) {
    const row = parsed.data[i]!;
    if (row.length === 1 && row[0]!.trim() === "") continue;
    if (row.length !== header.length) {
      throw measurementsInvalid({ file, line: i + 1 }, `has ${row.length} fields, the header ${header.length}`);
    }
    rows.push(row);
    lines.push(i + 1);
  }
  return { header, rows, lines };
}

function finite(field: string, place: { file: string; line: number; column: string }): number {
  const trimmed = field.trim();
  const value = MISSING.has(trimmed) ? Number.NaN : Number(trimmed);
  if (!Number.isFinite(value)) throw measurementsInvalid(place, `"${field.slice(0, 40)}" is not a finite number`);
  return value;
}
