import { type TextLine, textLines } from "./text-lines.ts";
import { workloadInvalid } from "./workload-error.ts";

const COLUMNS_MAX = 64;

/** Cells of the wanted columns of each row of a CSV text without quoted cells, in the order they were asked for. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** Rows below a header that has the wanted columns, in any order. Errors: `workload-invalid` with line and field. */
export function* csvRows(text: string, wanted: readonly string[]): Generator<CsvRow> {
  const lines = textLines(text);
  const header = lines.next();
  if (header.done === true) throw workloadInvalid({}, "has no header");
  const at = columnsOf(header.value, wanted);
  for (const { line, text: row } of lines) {
    const cells = row.split(",", COLUMNS_MAX + 1);
    yield { line, cells: at.map((index) => (cells[index] ?? "").trim()) };
  }
}

/** Whether a first line is a header with these columns. */
export function isCsvHeader(line: string, wanted: readonly string[]): boolean {
  const names = line.split(",", COLUMNS_MAX).map((name) => name.trim());
  return wanted.every((name) => names.includes(name));
}

/** A whole number, or the text itself, which is none, for a message. */
export function wholeCell(text: string): unknown {
  return /^\d{1,15}$/.test(text) ? Number(text) : text === "" ? undefined : text;
}

/** A plain decimal number, or the text itself. */
export function decimalCell(text: string): unknown {
  return /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text === "" ? undefined : text;
}

function columnsOf({ line, text }: TextLine, wanted: readonly string[]): readonly number[] {
  const names = text.split(",", COLUMNS_MAX + 1).map((name) => name.trim());
  if (names.length > COLUMNS_MAX) throw workloadInvalid({ line }, `more than ${COLUMNS_MAX} columns`);
  return wanted.map((name) => {
    const index = names.indexOf(name);
    if (index === -1) throw workloadInvalid({ line, field: name }, "the header lacks this column");
    return index;
  });
}
