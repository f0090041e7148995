/**
 * Goal: a row's interval comes from other folds, without rows whose setting nobody names or whose kernels were compiled on the way, and what compiling may
 * take widens those alone. Method: points with misses of powers of 2, worked out by hand; a width of the row's own fold is the planted fault.
 */
import { describe, expect, test } from "vitest";
import type { SiliconRow } from "../../cost/accuracy/silicon/silicon-row.ts";
import { servedKey } from "../../cost/iteration/engines/served-properties.ts";
import type { SiliconPoint } from "./silicon-evaluation.ts";
import { logMiss, servedIntervals, siliconIntervals } from "./silicon-intervals.ts";

const DOUBLE = Math.log(2);

function points(count: number, where: { readonly group: string; readonly fold: number }, doublings: number): SiliconPoint[] {
  const row = { engine: "vllm", tpotMs: 1, ttftMs: 1, model: "Llama-3.1-8B", device: "h100-sxm", source: "2026-", promptTokens: 9 };
  const predicted = 2 ** doublings;
  const rest = {
    promptShare: 0,
    devices: 1,
    clients: 1,
    knowledge: "stated" as const,
    predictedTpotMs: predicted,
    predictedTtftMs: predicted,
  };
  return Array.from({ length: count }, () => ({ row: row as SiliconRow, ...where, ...rest }));
}

describe("intervals", () => {
  const all = [...points(50, { group: "a", fold: 0 }, 1), ...points(50, { group: "b", fold: 1 }, 3)];
  test("do not know the fold they are for", () => {
    const intervalOf = siliconIntervals(all, "tpot");
    const ends = (point: SiliconPoint): number[] =>
      [intervalOf(point).low, intervalOf(point).high].map((end) => Math.round(end * 1e9) / 1e9 + 0);
    expect(ends(all[60]!)).toEqual([Math.round(-DOUBLE * 1e9) / 1e9, 0]);
    expect(ends(all[0]!)).toEqual([Math.round(logMiss(all[60]!, "tpot") * 1e9) / 1e9, 0]);
    // With its own fold the second group would lie inside.
    expect(logMiss(all[60]!, "tpot")).toBeLessThan(intervalOf(all[60]!).low);
  });
  test("stay as they are whatever their own rows measured; a table of all folds does not", () => {
    const spread = (fold: number, sizes: readonly number[]): SiliconPoint[] =>
      sizes.flatMap((size) => points(9, { group: `${fold} ${size}`, fold }, size));
    const rest = [0, 1, 2].flatMap((fold) => spread(fold, [-0.2, -0.1, 0.1, 0.3]));
    const [quick, slow] = [spread(9, [-3, 0.1]), spread(9, [0.2, 2])];
    const of = (own: readonly SiliconPoint[]) => siliconIntervals([...rest, ...own], "ttft")(quick[0]!);
    expect(of(quick)).toEqual(of(slow));
    const served = {
      engine: "vllm",
      named: true,
      mixture: false,
      blackwell: false,
      longPrompts: false,
      promptShare: "few",
      cell: "vllm/h100-sxm",
    } as const;
    const table = (own: readonly SiliconPoint[]) => servedIntervals([...rest, ...own], "ttft", [served]);
    expect(table(quick)).not.toEqual(table(slow));
  });
  test("leave out rows whose setting is not named", () => {
    const off = points(50, { group: "c", fold: 0 }, 5).map((point) => ({ ...point, knowledge: "setting not named" as const }));
    expect(siliconIntervals([...all, ...off], "tpot")(all[60]!).low).toBeCloseTo(-DOUBLE, 12);
  });
  test("of TTFT leave out rows that waited for kernels, and reach for those from no wait to the longest", () => {
    const cold = points(50, { group: "c", fold: 0 }, 5).map((point) => ({ ...point, compiling: { predictedMs: 16, mostMs: 100 } }));
    const intervalOf = siliconIntervals([...all, ...cold], "ttft");
    expect(intervalOf(all[60]!).low).toBeCloseTo(-DOUBLE, 12);
    // Of 32 ms, 16 are for kernels; the other fold says that no less than an eighth of what is predicted is measured, and no more than it.
    const { low, high } = intervalOf(cold[0]!);
    expect(32 * Math.exp(low)).toBeCloseTo(2, 9);
    expect(32 * Math.exp(high)).toBeCloseTo(116, 9);
    expect(siliconIntervals([...all, ...cold], "tpot")(all[60]!).low).toBeCloseTo(-5 * DOUBLE, 9);
  });
});

test("deployments take theirs from all folds", () => {
  const all = [...points(50, { group: "a", fold: 0 }, 1), ...points(50, { group: "b", fold: 1 }, 3)];
  const of = {
    engine: "vllm",
    named: true,
    mixture: false,
    blackwell: false,
    longPrompts: false,
    promptShare: "few",
    cell: "vllm/h100-sxm",
  } as const;
  const { properties, intervals } = servedIntervals(all, "ttft", [of]);
  expect(properties).toEqual(["engine", "longPrompts", "cell"]);
  const { low, high } = intervals[servedKey(of, properties)]!;
  // Each fold alone would say the other's miss: the factor of a third, or three, makes up for it; as it is, the wider fold is held.
  expect(low).toBeLessThan(-2 * DOUBLE);
  expect(high).toBe(0);
});
