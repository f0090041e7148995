import Table from "cli-table3";

export { formatNs } from "../base/duration.ts";

/** Prints a result: as one JSON document with `--json`, else as text. Results go to stdout, progress and notes to stderr. */
export function printResult(json: boolean, value: unknown, text: () => string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text()}\n`);
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A plain table: boxed in a terminal, tab-separated in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (process.stdout.isTTY !== true) return [head, ...rows].map((row) => row.join("\t")).join("\n");
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}
