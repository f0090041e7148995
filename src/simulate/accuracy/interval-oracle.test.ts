/**
 * Goal: docs/accuracy.md says how many of seven engines on GPUs intervals could at best hold within both limits (85 to 95 % of the rows inside, half-width at
 * most 3.5 median errors), groups being as few as they are. Method: groups drawn as those measured differ (standard deviations of ln(measured / predicted) between medians of groups, and within
 * them by their median deviation, of 18 groups of ten rows or more), against the true interval of them all.
 */
import { expect, test } from "vitest";
import { counterFloat } from "../../base/prng.ts";
import { mean, normalQuantile, quantile } from "../../base/statistics.ts";

/** Groups of the seven engines on GPUs that have 50 rows. */
const GROUPS = [2, 3, 4, 2, 2, 3, 1];
const MEASURED = { tpot: { between: 0.126, within: 0.104 }, ttft: { between: 0.206, within: 0.244 } };
const ROWS = Array.from({ length: 200 }, (_unused, index) => normalQuantile((index + 0.5) / 200));

/** Of draws of seven, how many hold the share alone and both limits on average, and how often all seven hold both. */
function oracle({ between, within }: (typeof MEASURED)["tpot"], groups: readonly number[], drawn: number) {
  const end = normalQuantile(0.95) * Math.sqrt(between * between + within * within);
  let counter = 0;
  const draws = Array.from({ length: drawn }, () => {
    const cells = groups.map((count) => {
      const misses = Array.from({ length: count }, () => between * normalQuantile(counterFloat(3, counter++))).flatMap((own) =>
        ROWS.map((row) => own + within * row),
      );
      const inside = mean(misses.map((miss) => (Math.abs(miss) <= end ? 1 : 0)));
      const share = inside >= 0.85 && inside <= 0.95;
      const usual = quantile(
        misses.map((miss) => Math.abs(Math.exp(-miss) - 1)),
        0.5,
      );
      return { share, both: share && Math.exp(end) - 1 <= 3.5 * usual };
    });
    return {
      share: cells.filter(({ share }) => share).length,
      both: cells.filter(({ both }) => both).length,
      all: cells.every(({ both }) => both) ? 1 : 0,
    };
  });
  return {
    share: mean(draws.map(({ share }) => share)),
    both: mean(draws.map(({ both }) => both)),
    all: mean(draws.map(({ all }) => all)),
  };
}

test("the true interval holds two or three of seven within both limits, and all seven next to never", () => {
  const [tpot, ttft] = [oracle(MEASURED.tpot, GROUPS, 300), oracle(MEASURED.ttft, GROUPS, 300)];
  for (const { both, all } of [tpot, ttft]) {
    expect(both).toBeGreaterThan(2.4);
    expect(both).toBeLessThan(3.1);
    expect(all).toBeLessThan(0.01);
  }
  expect(tpot.share).toBeLessThan(3);
  expect(ttft.share).toBeLessThan(4.5);
});

test("with thirty groups each, most of seven hold the share", () => {
  const thirty = GROUPS.map(() => 30);
  expect(oracle(MEASURED.tpot, thirty, 30).share).toBeGreaterThan(6.3);
});
