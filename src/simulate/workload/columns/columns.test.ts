// Goal: columns say what the rows say, and scaling keeps what prompts share. Method: prefixes compared pair by pair with the rows' own ids.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../../base/prng.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import type { Workload, WorkloadRequest } from "../workload.ts";
import { createPrefixNames, NO_PREFIX } from "./prefix-names.ts";
import { requestColumns } from "./request-columns.ts";
import { scaleColumns } from "./scale-columns.ts";

const workload = (requests: readonly WorkloadRequest[]): Workload => ({ source: "test", requests });
const blocks = (ids: readonly number[], promptTokens: number, blockTokens = 512): WorkloadRequest => ({
  atNs: 0,
  promptTokens,
  outputTokens: 10,
  shared: { type: "blocks", ids, blockTokens },
});

/** Tokens of the prefix that two rows have in common. */
function common(columns: RequestColumns, a: number, b: number): number {
  const ids = (row: number) => [...columns.blockIds.subarray(columns.blockStart[row], columns.blockStart[row + 1])];
  const [left, right] = [ids(a), ids(b)];
  const differs = left.findIndex((id, i) => id !== right[i]);
  return (differs === -1 ? left.length : differs) * columns.blockTokens;
}

describe("request columns", () => {
  it("give equal ids where rows agree from the start, and nowhere else", () => {
    const columns = requestColumns(
      workload([blocks([1, 2, 3], 1536), blocks([1, 2, 4], 1536), blocks([9, 2, 3], 1536), blocks([1, 2], 1000)]),
    );
    expect(common(columns, 0, 1)).toBe(1024);
    expect(common(columns, 0, 2)).toBe(0);
    // The second block of the last prompt is cut short.
    expect(common(columns, 0, 3)).toBe(512);
    const all = new Set(columns.blockIds);
    expect(all.size).toBe(7);
  });

  it("cut groups into blocks of 16 to 64 tokens that all prefixes have", () => {
    const group = (name: string, tokens: number, promptTokens = 5000): WorkloadRequest => ({
      atNs: 0,
      promptTokens,
      outputTokens: 1,
      shared: { type: "group", group: name, tokens },
    });
    expect(requestColumns(workload([group("a", 4096), group("a", 4096)])).blockTokens).toBe(64);
    const mixed = requestColumns(workload([group("a", 96), group("a", 64), group("b", 64), blocks([5], 32, 32)]));
    expect(mixed.blockTokens).toBe(32);
    expect(common(mixed, 0, 1)).toBe(64);
    expect(common(mixed, 1, 2)).toBe(0);
    expect(common(mixed, 0, 3)).toBe(0);
  });

  it("carry closed loops over", () => {
    const first = blocks([], 10);
    const columns = requestColumns(workload([first, { ...blocks([], 20), after: { request: first, thinkNs: 5 } }]));
    expect([...columns.after!]).toEqual([-1, 0]);
    expect([...columns.thinkNs!]).toEqual([0, 5]);
  });

  it.each([0.3, 0.5, 1, 1.5, 2, 3.7])("scaled by %d share what they shared, by that factor and less than a block", (factor) => {
    const prng = seededPrng(3);
    const rows = Array.from({ length: 40 }, () => {
      const length = 1 + prng.nextBelow(6);
      return blocks(
        Array.from({ length }, () => prng.nextBelow(2)),
        length * 512,
      );
    });
    const columns = requestColumns(workload(rows));
    const scaled = scaleColumns(columns, { rate: 2, prompt: factor, output: 1 });
    for (let a = 0; a < rows.length; a++) {
      for (let b = 0; b < a; b++) {
        const wanted = common(columns, a, b) * factor;
        const found = common(scaled, a, b);
        expect(found).toBeLessThanOrEqual(wanted + 1e-6);
        expect(found).toBeGreaterThan(wanted - scaled.blockTokens - 1e-6);
      }
    }
  });

  it("scale times and lengths, and refuse lengths beyond the bound", () => {
    const columns = requestColumns(
      workload([
        { atNs: 0, promptTokens: 10, outputTokens: 3 },
        { atNs: 1e9, promptTokens: 20, outputTokens: 5 },
      ]),
    );
    const scaled = scaleColumns(columns, { rate: 4, prompt: 1.5, output: 2 });
    expect([...scaled.arrivalNs]).toEqual([0, 0.25e9]);
    expect([...scaled.promptTokens]).toEqual([15, 30]);
    expect([...scaled.outputTokens]).toEqual([6, 10]);
    expect(() => scaleColumns(columns, { rate: 1, prompt: 1e9, output: 1 })).toThrow(/length/);
  });

  it("name prefixes alike in a table that grows", () => {
    const names = createPrefixNames();
    const first = Array.from({ length: 20_000 }, (_, i) => names.name(i === 0 ? NO_PREFIX : i - 1, i));
    expect(new Set(first).size).toBe(20_000);
    expect(first.every((name, i) => names.name(i === 0 ? NO_PREFIX : i - 1, i) === name)).toBe(true);
    expect(names.count).toBe(20_000);
  });
});
