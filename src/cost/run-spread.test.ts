// Goal: the interval of a next run holds nine runs in ten, however few were seen. Method: machines, runs and lessons drawn from a seed.
import { describe, expect, it } from "vitest";
import { exp } from "../base/math.ts";
import { type Prng, seededPrng } from "../base/prng.ts";
import { NORMAL_90, normalDraw } from "../base/statistics.ts";
import { fitCorrection } from "./correction.ts";
import { type RunSpread, runFactor, runSpread } from "./run-spread.ts";
import type { StageObservation } from "./stage-observation.ts";

const WORLDS = 4_000;
const MS = 1e6;

/** Standard deviation between the runs of a machine, as assumed before any is seen: scaled inverse chi-square, 3 degrees of freedom about 0.08. */
function machine(prng: Prng): number {
  const squares = [0, 1, 2].map(() => normalDraw(prng) ** 2).reduce((sum, one) => sum + one, 0);
  return 0.08 * Math.sqrt(3 / squares);
}

/** Share of worlds in which the bar from `count` runs about their mean holds the next one. */
function coverage(count: number, deviationOf: (prng: Prng) => number): number {
  const prng = seededPrng(40 + count);
  let held = 0;
  for (let world = 0; world < WORLDS; world++) {
    const deviation = deviationOf(prng);
    const seen = Array.from({ length: count }, () => deviation * normalDraw(prng));
    const next = exp(deviation * normalDraw(prng) - seen.reduce((sum, one) => sum + one, 0) / count);
    if (holds(runSpread(seen), next)) held++;
  }
  return held / WORLDS;
}

function holds(spread: RunSpread, factor: number): boolean {
  return factor >= runFactor(spread, 0.05) && factor <= runFactor(spread, 0.95);
}

describe("spread of the next run", () => {
  it.each([1, 2, 3, 5, 8])("holds nine in ten of the machines it assumes, after %i runs", (count) => {
    expect(coverage(count, machine)).toBeGreaterThan(0.88);
    expect(coverage(count, machine)).toBeLessThan(0.92);
  });

  it("is not far off for machines less steady than assumed, wide for steadier ones, and learns both", () => {
    for (const deviation of [0.05, 0.08, 0.11]) {
      for (const count of [2, 3, 5, 8])
        expect(
          coverage(count, () => deviation),
          `${deviation} after ${count} runs`,
        ).toBeGreaterThan(0.85);
      expect(coverage(40, () => deviation)).toBeCloseTo(0.9, 1);
    }
  });

  it("stays finite after one run and narrows with runs that agree", () => {
    const widths = [1, 2, 3, 8, 40].map((count) => runSpread(new Array<number>(count).fill(0.1)).systematic);
    expect(widths[0]).toBeLessThan(0.45);
    widths.forEach((width, index) => {
      if (index > 0) expect(width).toBeLessThan(widths[index - 1]!);
    });
  });

  it("has thicker tails than a normal of the same interval", () => {
    const normal = { systematic: 0.1 };
    const student = { systematic: 0.1, freedom: 4 };
    expect(runFactor(student, 0.95)).toBeCloseTo(runFactor(normal, 0.95), 9);
    expect(runFactor(student, 0.99)).toBeGreaterThan(runFactor(normal, 0.99));
    expect([runFactor(student, 0.5), runFactor(normal, 0.5)]).toEqual([1, 1]);
  });
});

/** Iterations of one run of a machine that runs at `factor` times what the tables say, with 10 % noise. */
function observed(prng: Prng, run: number, factor: number): StageObservation[] {
  return Array.from({ length: 40 }, (_, i) => {
    const predictedDecodeNs = i % 4 === 0 ? 0 : 20 * MS;
    const predictedPrefillNs = i % 4 === 0 ? 80 * MS : 0;
    const noise = exp((0.1 * normalDraw(prng)) / NORMAL_90);
    return { run, predictedDecodeNs, predictedPrefillNs, measuredNs: factor * noise * (predictedDecodeNs + predictedPrefillNs) };
  });
}

describe("correction", () => {
  it.each([2, 3, 5])("predicts the next run nine times in ten, from %i lessons", (lessons) => {
    const prng = seededPrng(7 + lessons);
    const worlds = 1_000;
    let held = 0;
    for (let world = 0; world < worlds; world++) {
      const deviation = machine(prng);
      const runs = Array.from({ length: lessons }, (_, run) => observed(prng, run, exp(deviation * normalDraw(prng))));
      const correction = fitCorrection(runs.flat(), [])!;
      if (holds(correction, exp(deviation * normalDraw(prng)) / correction.decodeFactor)) held++;
    }
    expect(held / worlds).toBeGreaterThan(0.85);
    expect(held / worlds).toBeLessThan(0.95);
  });
});
