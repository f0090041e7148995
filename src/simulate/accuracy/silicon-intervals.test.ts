/**
 * Goal: an interval comes from other folds, as wide as its engine usually misses, and no group sets it by its number of rows. Method: points with
 * misses of powers of 2, worked out by hand.
 */
import { describe, expect, test } from "vitest";
import type { SiliconRow } from "../../cost/accuracy/silicon/silicon-row.ts";
import type { SiliconPoint } from "./silicon-evaluation.ts";
import { siliconIntervals } from "./silicon-intervals.ts";

const DOUBLE = Math.log(2);

function points(
  count: number,
  engine: string,
  where: { readonly group: string; readonly fold: number },
  doublings: number,
): SiliconPoint[] {
  const row = { engine, tpotMs: 1, ttftMs: 1 } as SiliconRow;
  const predicted = 2 ** doublings;
  const rest = { devices: 1, clients: 1, knowledge: "stated" as const, predictedTpotMs: predicted, predictedTtftMs: predicted };
  return Array.from({ length: count }, () => ({ row, ...where, ...rest }));
}

describe("intervals", () => {
  test("do not know the fold they are for", () => {
    const all = [...points(50, "vllm", { group: "a", fold: 0 }, 1), ...points(50, "vllm", { group: "b", fold: 1 }, 3)];
    const widthOf = siliconIntervals(all, "tpot");
    expect(widthOf("vllm", 1)).toBeCloseTo(DOUBLE, 9);
    expect(widthOf("vllm", 0)).toBeCloseTo(3 * DOUBLE, 9);
  });
  test("are as wide as the engine usually misses, times the share that all engines' misses stay below", () => {
    // One in six of each engine misses by twice the usual: 90 % of the weight needs them.
    const of = (engine: string, usual: number): SiliconPoint[] => [
      ...points(50, engine, { group: `${engine} a`, fold: 0 }, usual),
      ...points(50, engine, { group: `${engine} b`, fold: 0 }, usual),
      ...points(9, engine, { group: `${engine} c`, fold: 0 }, 2 * usual),
    ];
    const widthOf = siliconIntervals([...of("vllm", 1), ...of("sglang", 2)], "ttft");
    expect(widthOf("vllm", 1)).toBeCloseTo(2 * DOUBLE, 9);
    expect(widthOf("sglang", 1)).toBeCloseTo(4 * DOUBLE, 9);
    // An engine that was never seen misses as all do.
    expect(widthOf("trtllm", 1)).toBeGreaterThan(widthOf("vllm", 1) - 1e-9);
  });
  test("weigh a group by the root of its rows", () => {
    // 19 of 20 rows are of one group: by rows the others would not count.
    const all = [...points(95, "vllm", { group: "a", fold: 0 }, 1), ...points(5, "vllm", { group: "b", fold: 0 }, 2)];
    expect(siliconIntervals(all, "tpot")("vllm", 1)).toBeCloseTo(2 * DOUBLE, 9);
  });
  test("leave out rows whose setting is not named", () => {
    const off = points(50, "vllm", { group: "b", fold: 0 }, 5).map((point) => ({ ...point, knowledge: "setting not named" as const }));
    expect(siliconIntervals([...points(50, "vllm", { group: "a", fold: 0 }, 1), ...off], "tpot")("vllm", 1)).toBeCloseTo(DOUBLE, 9);
  });
});
