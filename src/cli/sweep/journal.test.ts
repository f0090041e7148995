// Rows that are done survive whatever ends a sweep: a line that was cut off is dropped, other damage and other sweeps are refused.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FIGURE_NAMES, type PointFigures } from "../../simulate/sweep/point-row.ts";
import { openJournal } from "./journal.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));
const figures = Object.fromEntries(FIGURE_NAMES.map((name, at) => [name, at === 0 ? NaN : at])) as PointFigures;

function journalWith(name: string, ...tail: readonly string[]): string {
  const path = join(folder, name);
  const journal = openJournal(path, "a sweep");
  expect(journal.add({ index: 3, figures })).toBe(true);
  expect(journal.add({ index: 1, error: "cannot be" })).toBe(true);
  journal.close();
  for (const line of tail) appendFileSync(path, line);
  return path;
}

describe("a journal", () => {
  it("gives back what was kept, NaN included, and keeps a point once", () => {
    const journal = openJournal(journalWith("kept"), "a sweep");
    expect([...journal.rows.values()]).toEqual([
      { index: 3, figures },
      { index: 1, error: "cannot be" },
    ]);
    expect(journal.add({ index: 1, error: "another" })).toBe(false);
    journal.close();
  });

  it("drops a line that was cut off, and writes on in its place", () => {
    const path = journalWith("cut", '{"index": 5, "fig');
    const journal = openJournal(path, "a sweep");
    expect(journal.rows.size).toBe(2);
    journal.add({ index: 5, error: "x" });
    journal.close();
    expect(readFileSync(path, "utf8").trim().split("\n")).toHaveLength(4);
    const again = openJournal(path, "a sweep");
    expect([...again.rows.keys()]).toEqual([3, 1, 5]);
    again.close();
  });

  it("leaves no file where no point was kept", () => {
    const path = join(folder, "none");
    openJournal(path, "a sweep").close();
    expect(existsSync(path)).toBe(false);
  });

  it("is refused where it is of another sweep, of something else, or damaged", () => {
    expect(() => openJournal(journalWith("other"), "another sweep")).toThrow(/differ/);
    const text = join(folder, "text");
    writeFileSync(text, "some notes\n");
    expect(() => openJournal(text, "a sweep")).toThrow(/no journal/);
    expect(readFileSync(text, "utf8")).toBe("some notes\n");
    expect(() => openJournal(journalWith("damaged", "{}\n"), "a sweep")).toThrow(/damaged/);
  });
});
