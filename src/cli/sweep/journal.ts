import { closeSync, existsSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { HeddleError } from "../../base/heddle-error.ts";
import type { PointFigures, PointRow } from "../../simulate/sweep/point-row.ts";

/** Rows of a sweep that are done, on disk as soon as they are. */
export interface Journal {
  readonly path: string;
  /** Those of earlier runs at first. */
  readonly rows: ReadonlyMap<number, PointRow>;
  /** Keeps a row; one that is there already stays as it is. Gives whether it was new. */
  add(row: PointRow): boolean;
  /** A journal without rows is removed: a sweep that could not begin leaves nothing. */
  close(): void;
}

const VERSION = 1;

/**
 * Opens the journal of a sweep, or begins it. Lines of JSON: the first names the sweep, each other is a row. A last line that was cut off by a crash is
 * dropped.
 *
 * Errors: `journal-other` where it is of another sweep or no journal; `file-unwritable`.
 */
export function openJournal(path: string, fingerprint: string): Journal {
  const { rows, byteLength } = existsSync(path) ? readJournal(path, fingerprint) : { rows: new Map<number, PointRow>(), byteLength: 0 };
  const file = attempt(path, () => openSync(path, byteLength > 0 ? "r+" : "w"));
  let at = byteLength;
  const write = (line: object): void => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    attempt(path, () => {
      writeSync(file, bytes, 0, bytes.length, at);
      fdatasyncSync(file);
    });
    at += bytes.length;
  };
  if (byteLength === 0) write({ heddle: "sweep", version: VERSION, fingerprint });
  else attempt(path, () => ftruncateSync(file, byteLength));
  return {
    path,
    rows,
    add: (row) => {
      if (rows.has(row.index)) return false;
      rows.set(row.index, row);
      write(row);
      return true;
    },
    close: () => {
      closeSync(file);
      if (rows.size === 0) rmSync(path, { force: true });
    },
  };
}

function readJournal(path: string, fingerprint: string): { readonly rows: Map<number, PointRow>; readonly byteLength: number } {
  const bytes = attempt(path, () => readFileSync(path));
  const rows = new Map<number, PointRow>();
  const end = bytes.lastIndexOf("\n") + 1;
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  const head = parsed(lines[0] ?? "") as { readonly heddle?: unknown; readonly fingerprint?: unknown } | undefined;
  if (bytes.length === 0) return { rows, byteLength: 0 };
  if (head?.heddle !== "sweep") throw new HeddleError("journal-other", { where: path, detail: "it is no journal of a sweep" });
  if (head.fingerprint !== fingerprint)
    throw new HeddleError("journal-other", { where: path, detail: "deployment, devices, workload or grid differ" });
  for (const line of lines.slice(1)) {
    const row = parsed(line) as PointRow | undefined;
    if (row === undefined || !Number.isInteger(row.index))
      throw new HeddleError("journal-other", { where: path, detail: "a line of it is damaged" });
    rows.set(row.index, withNumbers(row));
  }
  return { rows, byteLength: end };
}

/** JSON has no NaN. */
function withNumbers(row: PointRow): PointRow {
  if (row.figures === undefined) return row;
  const figures = Object.fromEntries(Object.entries(row.figures).map(([name, value]) => [name, value ?? NaN])) as PointFigures;
  return { ...row, figures };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: path, cause });
  }
}
