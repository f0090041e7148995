import { describe, expect, it } from "vitest";
import { hostOverhead, type MeasuredDecoding } from "./host-overhead.ts";
import type { IterationCost } from "./iteration-cost.ts";

/** 10 ms and 1 us for each token of context. */
const cost: IterationCost = {
  iterationNs: ({ decodeContext }) => Math.round(10e6 + 1000 * decodeContext),
  spread: 0.1,
  basis: "data-sheet",
  source: "test",
};
const point = (concurrency: number, hostNs: number): MeasuredDecoding => ({
  concurrency,
  promptTokens: 100,
  outputTokens: 40,
  tpotNs: 10e6 + 120_000 * concurrency + hostNs,
});

describe("host time from measured decoding", () => {
  it("is what devices leave of an output token's time", () => {
    const found = hostOverhead(cost, [point(1, 3e6), point(4, 3e6), point(16, 3e6)]);
    expect(found.overheadNs).toBe(3_000_000);
    expect(found.disagreement).toBeCloseTo(0, 9);
    expect(found.points.map(({ leftNs }) => leftNs)).toEqual([3e6, 3e6, 3e6]);
  });

  it("is a median, with how far the points disagree", () => {
    const found = hostOverhead(cost, [point(1, 2e6), point(1, 3e6), point(1, 10e6), point(1, 4e6)]);
    expect(found.overheadNs).toBe(3_500_000);
    expect(found.disagreement).toBeGreaterThan(0.2);
  });

  it("is not below 0: devices that are priced too high show in the points", () => {
    const found = hostOverhead(cost, [point(1, -2e6)]);
    expect(found.overheadNs).toBe(0);
    expect(found.points[0]!.leftNs).toBe(-2e6);
    expect(hostOverhead(cost, []).overheadNs).toBe(0);
  });
});
