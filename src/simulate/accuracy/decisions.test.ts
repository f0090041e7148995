/**
 * Goal: rank correlation, regret, closed loops and fits say what they should on cases worked out by hand.
 * Method: small lists; an iteration cost of round figures; constants planted in points and found again.
 */
import { describe, expect, it, test } from "vitest";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { type Choice, choiceRegret } from "./choice-regret.ts";
import { runClosedLoop } from "./closed-loop-run.ts";
import { constantsOf, FITTED, type FitPoint, fitConstants, valuesOf } from "./engine-fit.ts";
import { rankCorrelation } from "./rank-correlation.ts";

test("rank correlation: order alone counts, ties share a rank", () => {
  expect(rankCorrelation([1, 2, 3], [10, 100, 1000])).toBeCloseTo(1, 12);
  expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  // Ranks 0 1 2 3 against 0.5 0.5 2 3: 4.5 / sqrt(5 x 4.5).
  expect(rankCorrelation([1, 2, 3, 4], [5, 5, 6, 7])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
  expect(rankCorrelation([1], [1])).toBeNaN();
});

describe("regret", () => {
  const choice = (measured: number, predicted: number, throughput: number, guess: number): Choice => ({
    measuredTpotMs: measured,
    predictedTpotMs: predicted,
    measuredThroughput: throughput,
    predictedThroughput: guess,
  });
  const slow = choice(5, 5, 100, 90);
  it("is what the choice by prediction loses", () =>
    expect(choiceRegret([slow, choice(9, 9, 200, 80)], 10)).toEqual({ regret: 0.5, kept: true }));
  it("is nothing where the best is chosen", () =>
    expect(choiceRegret([slow, choice(9, 9, 200, 180)], 10)).toEqual({ regret: 0, kept: true }));
  it("counts a choice that breaks its limit for what is left when slowed to it", () => {
    const broken = choiceRegret([slow, choice(6, 6, 120, 80), choice(20, 9, 300, 400)], 10);
    expect(broken).toEqual({ regret: 1 - 0.5, kept: false });
  });
  it("is undefined where there is nothing to choose", () => {
    expect(choiceRegret([slow], 10)).toBeUndefined();
    expect(choiceRegret([choice(5, 50, 1, 1), choice(6, 60, 1, 1)], 10)).toBeUndefined();
  });
});

describe("a closed loop", () => {
  const cost: IterationCost = {
    iterationNs: ({ prefillTokens, decodes }) => 1_000_000 + 1000 * prefillTokens + 0 * decodes,
    spread: 0,
    basis: "data-sheet",
    source: "by hand",
  };
  const limits = { maxBatchedTokens: 8192, maxSequences: 64, chunkedPrefill: true, prefixCaching: false };
  const base = {
    cost,
    rules: { ...vllmRules(limits), stepsAhead: 0 as const },
    kvBlocks: 1000,
    blockTokens: 16,
    promptTokens: 100,
    outputTokens: 11,
    leastShare: 1,
    turnAroundNs: 0,
    firstWeight: 1,
    seed: 1,
  };
  it("of one client has its prompt and its steps", () => {
    const means = runClosedLoop({ ...base, clients: 1, requests: 3 });
    expect([means.ttftNs, means.tpotNs]).toEqual([1_100_000, 1_000_000]);
    expect(means.outputTokensPerSecond).toBeCloseTo(11e9 / 11_100_000, 6);
  });
  it("of two has prompts that wait for one another", () => {
    const { ttftNs, tpotNs } = runClosedLoop({ ...base, clients: 2, requests: 4 });
    expect(ttftNs > 1_100_000 && ttftNs <= 2_200_000).toBe(true);
    expect(tpotNs).toBeGreaterThanOrEqual(1_000_000);
  });
  it("weighs the first wave as told", () => {
    const crowd = { ...base, clients: 4, requests: 8, turnAroundNs: 5_000_000 };
    const [all, later] = [1, 0].map((firstWeight) => runClosedLoop({ ...crowd, firstWeight }).ttftNs);
    expect(all).not.toBe(later);
  });
});

describe("a fit of constants", () => {
  const from = FITTED.map(({ prior }) => prior);
  const truth = from.map((value, index) => value + 0.5 * FITTED[index]!.far);
  // Points in which one constant each stands out, by more the more constants share the mean that the pull is held against; measured times are those of the true ones.
  const own = 6e6 * FITTED.length;
  const points: FitPoint[] = FITTED.flatMap((_unused, index) =>
    [0, 1].map((repeat) => {
      const slopes = FITTED.map(({ far }, at) => ({
        tpotNs: at === index ? own / far : 1e5 / far,
        ttftNs: at === index ? ((3 + repeat) * 1e7) / far : 1e5 / far,
      }));
      const base = { tpotNs: 2e7, ttftNs: 5e7 };
      const measured = { ...base };
      truth.forEach((value, at) => {
        measured.tpotNs += (value - from[at]!) * slopes[at]!.tpotNs;
        measured.ttftNs += (value - from[at]!) * slopes[at]!.ttftNs;
      });
      return { weight: 1, base, slopes, measured };
    }),
  );
  it("finds planted ones, but for the pull to the priors", () => {
    const { values } = fitConstants(points, from);
    const misses = values.map((value, index) => Math.abs(value - truth[index]!) / FITTED[index]!.far);
    expect(Math.max(...misses)).toBeLessThan(0.1);
  });
  it("keeps to the bounds", () => {
    const { values } = fitConstants(
      points.map((point) => ({ ...point, measured: { tpotNs: 1, ttftNs: 1 } })),
      from,
    );
    expect(values.every((value, index) => value >= FITTED[index]!.least && value <= FITTED[index]!.most)).toBe(true);
  });
  it("and constants are each other's inverse", () => expect(valuesOf(constantsOf(truth, 5))).toEqual(truth));
});
