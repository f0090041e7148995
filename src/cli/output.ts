import Table from "cli-table3";

export { formatNs } from "../base/duration.ts";

/** Prints a result: as one JSON document with `--json`, else as text. Results go to stdout, progress and notes to stderr. */
export function printResult(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text()}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * A plain table, tab-separated in a pipe. In a terminal it is aligned; where it is too wide for that, boxed with cells of several lines; where whole words do not
 * fit then, in tables below one another that each begin with the first column.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  if (process.stdout.isTTY !== true) return all.map((row) => row.join("\t")).join("\n");
  const columns = process.stdout.columns ?? COLUMNS;
  return wholeWords(all, columns) ?? sheets(all, columns);
}

/** The table as one, aligned or boxed; undefined where a row of whole words is wider than the terminal. */
function wholeWords(all: readonly (readonly string[])[], columns: number): string | undefined {
  const plain = aligned(all);
  if (plain.every(({ length }) => length <= columns)) return plain.join("\n");
  const widths = fittingWidths(all, columns, longestWord);
  return rowWidth(widths) <= columns ? boxed(all, widths, true) : undefined;
}

/** Tables of the first column and as many others as fit beside it; what is too wide alone has its words broken. */
function sheets(all: readonly (readonly string[])[], columns: number): string {
  const count = all[0]?.length ?? 0;
  const drawn: string[] = [];
  for (let from = 1; from < count; ) {
    const of = (to: number): (readonly string[])[] => all.map((row) => [row[0] ?? "", ...row.slice(from, to)]);
    let to = from + 1;
    while (to < count && aligned(of(to + 1)).every(({ length }) => length <= columns)) to++;
    const part = of(to);
    drawn.push(
      wholeWords(part, columns) ??
        boxed(
          part,
          fittingWidths(part, columns, () => CELL_LEAST),
          false,
        ),
    );
    from = to;
  }
  return count < 2
    ? boxed(
        all,
        fittingWidths(all, columns, () => CELL_LEAST),
        false,
      )
    : drawn.join("\n\n");
}

function boxed([head = [], ...rows]: readonly (readonly string[])[], colWidths: number[], wrapOnWordBoundary: boolean): string {
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
