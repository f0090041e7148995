// Goal: points are timed fairly within a budget, and scatter and drift are told apart. Method: measures that return planted times.
import { describe, expect, it } from "vitest";
import { type TimedPoint, timeInRounds } from "./rounds.ts";

/** A point whose runs take the given times in turn; the last one repeats. */
function planted(name: string, times: readonly number[]): { readonly point: TimedPoint<string>; readonly runs: () => number } {
  let runs = 0;
  return {
    point: { point: name, measure: () => Promise.resolve(times[Math.min(runs++, times.length - 1)]!) },
    runs: () => runs,
  };
}

const options = { signal: new AbortController().signal, budgetMs: 60_000, roundsMax: 5 };

describe("rounds", () => {
  it("gives the median of each point over all rounds", async () => {
    const a = planted("a", [10, 90, 11, 12, 10]);
    const b = planted("b", [5, 6, 6, 7, 6]);
    const result = await timeInRounds([a.point, b.point], options);
    expect(result.medians).toEqual([
      { point: "a", ns: 11 },
      { point: "b", ns: 6 },
    ]);
    expect([a.runs(), b.runs()]).toEqual([5, 5]);
    // One run of 90 among tens is a disturbance, not scatter.
    expect(result.noise).toBeGreaterThan(0.05);
    expect(result.noise).toBeLessThan(0.5);
  });

  it("calls a machine that slows down drift", async () => {
    const points = ["a", "b", "c"].map((name) => planted(name, [100, 110, 120, 130, 140]).point);
    expect((await timeInRounds(points, options)).drift).toBeCloseTo(0.4, 9);
    const steady = ["a", "b", "c"].map((name) => planted(name, [100]).point);
    expect(await timeInRounds(steady, options)).toMatchObject({ noise: 0, drift: 0 });
  });

  it("leaves points out when the budget ends, and measures the others twice", async () => {
    const slow = (name: string): TimedPoint<string> => ({
      point: name,
      measure: () => new Promise((resolve) => setTimeout(() => resolve(1), 20)),
    });
    const result = await timeInRounds([slow("a"), slow("b"), slow("c"), slow("d")], { ...options, budgetMs: 1 });
    expect(result.medians.map(({ point }) => point)).toEqual(["a"]);
  });

  it("ends when the signal is aborted", async () => {
    const controller = new AbortController();
    const abort: TimedPoint<string> = {
      point: "a",
      measure: () => {
        controller.abort();
        return Promise.resolve(1);
      },
    };
    await expect(timeInRounds([abort, abort], { ...options, signal: controller.signal })).rejects.toThrow(/abort/i);
  });
});
