import Table from "cli-table3";

export { formatNs } from "../base/duration.ts";

/** Prints a result: as one JSON document with `--json`, else as text. Results go to stdout, progress and notes to stderr. */
export function printResult(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text()}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A plain table: aligned in a terminal, boxed with cells of several lines where it is too wide for that, tab-separated in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (process.stdout.isTTY !== true) return [head, ...rows].map((row) => row.join("\t")).join("\n");
  const all = [head, ...rows];
  const columns = process.stdout.columns ?? COLUMNS;
  const plain = aligned(all);
  if (plain.every(({ length }) => length <= columns)) return plain.join("\n");
  const whole = fittingWidths(all, columns, longestWord);
  // Words are broken only where a row of whole words does not fit.
  const wrapOnWordBoundary = rowWidth(whole) <= columns;
  const colWidths = wrapOnWordBoundary ? whole : fittingWidths(all, columns, () => CELL_LEAST);
  const drawn = new Table({ head: [...head], style: { head: [], border: [] }, colWidths, wordWrap: true, wrapOnWordBoundary });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}

/** Rows whose columns begin below one another, two blanks apart. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_head, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Of a terminal that does not tell. Units: characters. */
const COLUMNS = 80;
/** Blanks at either side of a cell, and texts that a column is at least made for where it is narrowed. Units: characters. */
const CELL_BLANKS = 2;
const CELL_LEAST = 6;

/** Widths of columns with their blanks: as wide as their texts, the widest narrower, down to `least` of its texts, until a row fits with its borders. */
export function fittingWidths(
  rows: readonly (readonly string[])[],
  columns: number,
  least: (texts: readonly string[]) => number,
): number[] {
  const texts = (rows[0] ?? []).map((_head, at) => rows.map((row) => row[at] ?? ""));
  const widths = texts.map((each) => Math.max(...each.map(({ length }) => length)) + CELL_BLANKS);
  const leasts = texts.map((each) => least(each) + CELL_BLANKS);
  for (let over = rowWidth(widths) - columns; over > 0; over--) {
    const slack = widths.map((width, at) => (width > leasts[at]! ? width : 0));
    const widest = slack.indexOf(Math.max(...slack));
    if (slack[widest] === 0) break;
    widths[widest]!--;
  }
  return widths;
}

function rowWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + 1, 1);
}

function longestWord(texts: readonly string[]): number {
  return Math.max(0, ...texts.flatMap((text) => text.split(" ").map(({ length }) => length)));
}
