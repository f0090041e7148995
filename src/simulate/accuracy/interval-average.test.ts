/**
 * Goal: like rows count more, by as much as is said, and TTFT's intervals are as wide as folds they were not made of ask. Method: residuals by hand; that a row's own fold
 * takes no part is in silicon-intervals.test.ts.
 */
import { describe, expect, test } from "vitest";
import type { PromptShare, ServedProperties } from "../../cost/iteration/engines/served-properties.ts";
import { averageIntervals, calibratedSchemes, intervalSchemes } from "./interval-average.ts";
import { type IntervalScheme, type Residual, schemeIntervals, schemeProperties } from "./interval-scheme.ts";

const OF: ServedProperties = {
  engine: "vllm",
  named: true,
  mixture: false,
  blackwell: false,
  longPrompts: false,
  promptShare: "few",
  cell: "vllm/h100-sxm",
};

function residuals(of: Partial<ServedProperties>, fold: number, misses: readonly number[]): Residual[] {
  return misses.map((miss) => ({ of: { ...OF, ...of }, group: `${fold} ${JSON.stringify(of)}`, fold, device: "h100-sxm", miss }));
}

const within = (size: number): number[] => Array.from({ length: 41 }, (_unused, index) => ((index - 20) / 20) * size);
const ALIKE: IntervalScheme = { properties: [], share: 1, usual: [], byPrompts: false };

describe("an interval", () => {
  test("has a twentieth of the weight beyond each end, and its sides are unlike where misses are", () => {
    const ordered = residuals(
      {},
      0,
      within(1).map((miss) => miss + 0.5),
    );
    const { low, high } = schemeIntervals(ALIKE, ordered)(OF);
    expect(low).toBeCloseTo(-0.4, 9);
    expect(high).toBeCloseTo(1.4, 9);
  });
  test("weighs a group by the root of its rows", () => {
    // 95 of 100 rows miss by 1, five of another group by 2: by rows 5 % lie above 1, by roots 19 %.
    const ordered = [...residuals({}, 0, Array(95).fill(1)), ...residuals({ mixture: true }, 0, Array(5).fill(2))];
    expect(schemeIntervals(ALIKE, ordered)(OF).high).toBe(2);
  });
  test("counts rows that differ in a property less", () => {
    const ordered = [...residuals({}, 0, within(1)), ...residuals({ engine: "sglang" }, 0, within(10))];
    const of = (share: number): number => schemeIntervals({ properties: ["engine"], share, usual: [], byPrompts: false }, ordered)(OF).high;
    expect(of(0.01)).toBeLessThan(1.5);
    expect(of(1)).toBeGreaterThan(7);
  });
  test("in units of the engine's usual miss is as much wider as the engine misses more", () => {
    const ordered = [...residuals({}, 0, within(1)), ...residuals({ engine: "sglang" }, 0, within(16))];
    const of = (engine: string): number => schemeIntervals({ ...ALIKE, usual: ["engine"] }, ordered)({ ...OF, engine }).high;
    // Sixteen times, of one group beside three that stand for all: the fourth root of it.
    expect(of("sglang") / of("vllm")).toBeCloseTo(2, 9);
    // One that was never seen misses as all do.
    expect(of("trtllm")).toBeGreaterThan(of("vllm"));
  });
  test("lies higher where prompts take more of the time, by as much as rows of one group do", () => {
    // Groups differ by 0.5 whatever their prompts; in each, rows of many prompts miss by 0.26 more than those of few: 0.5 for a share of 1.
    const rows = ([0, 0.5] as const).flatMap((usual, group) =>
      (["few", "many"] as const).flatMap((promptShare) =>
        residuals({ mixture: group === 1, promptShare }, 0, Array(10).fill(usual + (promptShare === "many" ? 0.26 : 0))).map((one) => ({
          ...one,
          group: `${group}`,
        })),
      ),
    );
    const high = (byPrompts: boolean, promptShare: PromptShare): number =>
      schemeIntervals({ ...ALIKE, byPrompts }, rows)({ ...OF, promptShare }).high;
    expect(high(true, "many") - high(true, "few")).toBeCloseTo(0.26, 9);
    expect(high(true, "some") - high(true, "few")).toBeCloseTo(0.11, 9);
    expect(high(false, "many")).toBe(high(false, "few"));
  });
  test("is 0 to 0 without residuals", () => expect(schemeIntervals(ALIKE, [])(OF)).toEqual({ low: 0, high: 0 }));
});

describe("the average", () => {
  const alike = [0, 1, 2, 3].flatMap((fold) => [
    ...residuals({}, fold, within(0.1)),
    ...residuals({ engine: "sglang", cell: "sglang/h200-sxm" }, fold, within(1)),
    ...residuals({ mixture: true }, fold, within(0.1)),
  ]);
  test("is of the same ways whatever the residuals, and holds no property that no way names", () => {
    expect([intervalSchemes("tpot").length, intervalSchemes("ttft").length]).toEqual([12, 8]);
    const named = (time: "tpot" | "ttft"): string[] => [...new Set(intervalSchemes(time).flatMap(schemeProperties))].sort();
    expect(named("tpot")).toEqual(["cell", "engine", "mixture", "named", "promptShare"]);
    expect(named("ttft")).toEqual(["cell", "engine", "longPrompts"]);
    expect(calibratedSchemes("tpot", alike)).toEqual(intervalSchemes("tpot").map((scheme) => ({ scheme, factor: 1 })));
  });
  test("tells an engine that misses more from one that misses little", () => {
    const of = (time: "tpot" | "ttft", change: Partial<ServedProperties>): number =>
      averageIntervals(calibratedSchemes(time, alike), alike)({ ...OF, ...change }).high;
    for (const time of ["tpot", "ttft"] as const)
      expect(of(time, { engine: "sglang", cell: "sglang/h200-sxm" }) / of(time, {})).toBeGreaterThan(1.8);
  });
  test("widens TTFT's intervals until they hold nine in ten of folds they were not made of", () => {
    // Each fold's rows miss by as much, to one side or the other: three folds alone never foresee the fourth.
    const folds = [1, 1.1, 1.2, 1.3].flatMap((size, fold) => residuals({}, fold, Array(30).fill(size)));
    const { scheme, factor } = calibratedSchemes("ttft", folds)[0]!;
    expect(scheme).toMatchObject({ properties: [], usual: [] });
    // Of the last fold 1.3 is measured where 1.2 is the most that others show: nine tenths of the rows lie inside with the factor of a fifth of those.
    expect(factor).toBeCloseTo(1.3 / 1.2, 9);
    expect(calibratedSchemes("tpot", folds)[0]!.factor).toBe(1);
    const first = folds.slice(0, 30);
    expect(calibratedSchemes("ttft", first).every((one) => one.factor === 1)).toBe(true);
  });
  test("is of ends, each with its factor", () => {
    const rows = residuals({}, 0, within(1));
    const both = [
      { scheme: ALIKE, factor: 1 },
      { scheme: ALIKE, factor: 2 },
    ];
    expect(averageIntervals(both, rows)(OF).high).toBeCloseTo(1.5 * schemeIntervals(ALIKE, rows)(OF).high, 9);
  });
});

describe("what models usually miss by", () => {
  test("is a product of an effect a property: two that each double it are four times as wide together", () => {
    const cases = [
      [false, false, 1],
      [true, false, 2],
      [false, true, 2],
    ] as const;
    // Forty groups of each: what the pull to no effect leaves is little.
    const rows = cases.flatMap(([mixture, blackwell, size]) =>
      Array.from({ length: 40 }, (_unused, at) =>
        within(size).map((miss) => ({
          of: { ...OF, mixture, blackwell },
          group: `${mixture} ${blackwell} ${at}`,
          fold: 0,
          device: "h100-sxm",
          miss,
        })),
      ).flat(),
    );
    const of = (mixture: boolean, blackwell: boolean): number =>
      schemeIntervals({ ...ALIKE, usual: ["mixture", "blackwell"] }, rows)({ ...OF, mixture, blackwell }).high;
    expect(of(true, false) / of(false, false)).toBeGreaterThan(1.8);
    expect(of(true, false) / of(false, false)).toBeLessThan(2);
    expect(of(true, true) / of(false, false)).toBeGreaterThan(3.2);
    expect(of(true, true) / of(false, false)).toBeLessThan(4);
  });
});
