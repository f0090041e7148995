// Goal: tables fit into the terminal. Method: widths of columns by hand, and a drawn table of long texts.
import { afterEach, expect, it, vi } from "vitest";
import { fittingWidths, table } from "./output.ts";

const stdout = process.stdout as { isTTY: boolean; columns: number };
const before = { isTTY: stdout.isTTY, columns: stdout.columns };
afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(stdout, before);
});

const rows = [
  ["device", "reason"],
  ["cpu-0", "a reason that is longer than what is left of a narrow terminal after the first column"],
];

it("leaves widths alone that fit, and narrows the widest of those that do not", () => {
  expect(fittingWidths(rows, 200, () => 4)).toEqual([8, 87]);
  expect(fittingWidths(rows, 60, () => 4)).toEqual([8, 49]);
  expect(fittingWidths(rows, 10, () => 4)).toEqual([6, 6]);
});

it.each([40, 60, 100])("draws no line wider than %i columns and loses no word", (columns) => {
  Object.assign(stdout, { isTTY: true, columns });
  const drawn = table(rows[0]!, rows.slice(1));
  for (const line of drawn.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
  for (const word of rows[1]!.join(" ").split(" ")) expect(drawn).toContain(word);
});

it("aligns columns where a terminal is wide enough", () => {
  Object.assign(stdout, { isTTY: true, columns: 12 });
  expect(
    table(
      ["a", "long"],
      [
        ["wider", "x"],
        ["y", ""],
      ],
    ),
  ).toBe("a      long\nwider  x\ny");
  Object.assign(stdout, { columns: 10 });
  expect(table(["a", "long"], [["wider", "x"]])).toContain("│");
});

it("breaks words where whole ones do not fit", () => {
  Object.assign(stdout, { isTTY: true, columns: 24 });
  const drawn = table(["a", "b"], [["x", "y".repeat(50)]]);
  expect(drawn.match(/y/g)?.length).toBe(50);
  for (const line of drawn.split("\n")) expect(line.length).toBeLessThanOrEqual(24);
});

it.each([26, 40])(
  "puts columns that have no room beside the others below them at %i, the first before each, with every word whole",
  (columns) => {
    Object.assign(stdout, { isTTY: true, columns });
    const head = ["device", "bandwidth", "memory", "power", "price"];
    const drawn = table(head, [
      ["cerebras-wse-3", "21 PB/s", "47.2 GB", "23000 W", ""],
      ["t4", "300 GB/s", "17.2 GB", "70 W", "$0.35/h"],
    ]);
    for (const line of drawn.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    for (const text of ["bandwidth", "21 PB/s", "23000 W", "$0.35/h"]) expect(drawn.split(text)).toHaveLength(2);
    const parts = drawn.split("\n\n");
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(part).toMatch(/^device.*\ncerebras-wse-3.*\nt4 /);
  },
);

it("separates by tabs in a pipe", () => {
  Object.assign(stdout, { isTTY: false });
  expect(table(["a", "b"], [["1", "2"]])).toBe("a\tb\n1\t2");
});
