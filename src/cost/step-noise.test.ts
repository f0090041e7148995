// Goal: noise is drawn as stated and its lasting part is found again. Method: seeded draws, their moments and autocorrelations.
import { describe, expect, it } from "vitest";
import { ln } from "../base/math.ts";
import { seededPrng } from "../base/prng.ts";
import { mean } from "../base/statistics.ts";
import { fitLasting, noiseDraws } from "./step-noise.ts";

const DRAWS = 40_000;

function drawn(lasting?: { share: number; kept: number }, seed = 1): number[] {
  const draw = noiseDraws({ noise: 0.2, ...(lasting === undefined ? {} : { lasting }) }, seededPrng(seed));
  return Array.from({ length: DRAWS }, draw);
}

describe("step noise", () => {
  it.each([undefined, { share: 0.5, kept: 0.9 }])("has a mean of 1 and the stated interval, lasting %j", (lasting) => {
    const draws = drawn(lasting);
    expect(mean(draws)).toBeCloseTo(1, 2);
    expect(draws.filter((one) => one > 1 / 1.2 && one < 1.2).length / DRAWS).toBeCloseTo(0.9, 2);
  });

  it("is none where it is 0", () => {
    expect(noiseDraws({ noise: 0 }, seededPrng(1))()).toBe(1);
  });

  it("does not average out over a request as far as it lasts", () => {
    const scatterOfMeans = (draws: readonly number[]): number => {
      const means = Array.from({ length: DRAWS / 50 }, (_, i) => mean(draws.slice(i * 50, i * 50 + 50)));
      return Math.sqrt(mean(means.map((one) => (one - 1) ** 2)));
    };
    expect(scatterOfMeans(drawn({ share: 0.5, kept: 0.9 })) / scatterOfMeans(drawn())).toBeGreaterThan(2);
  });

  it("finds the lasting part of runs again", () => {
    const runs = [1, 2, 3].map((seed) => drawn({ share: 0.6, kept: 0.9 }, seed).map(ln));
    const { share, kept } = fitLasting(runs);
    expect(share).toBeCloseTo(0.6, 1);
    expect(kept).toBeCloseTo(0.9, 1);
    const { share: none, kept: left } = fitLasting([drawn().map(ln)]);
    expect(none * left).toBeLessThan(0.05);
    expect(fitLasting([])).toEqual({ share: 0, kept: 0 });
  });
});
