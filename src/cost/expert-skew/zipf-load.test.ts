import { describe, expect, it } from "vitest";
import { contiguousImbalance, imbalance, zipfExponent, zipfShares } from "./zipf-load.ts";

describe("Zipf's law of experts", () => {
  it("has the imbalance its exponent was sought for", () => {
    for (const target of [0.5, 3, 10.948, 100]) {
      expect(imbalance(zipfShares(256, zipfExponent(256, target)!))).toBeCloseTo(target, 6);
    }
    expect(zipfExponent(256, 0)).toBeCloseTo(0, 6);
    expect(zipfExponent(256, 255)).toBeUndefined();
    expect(zipfExponent(256, Number.NaN)).toBeUndefined();
  });

  it("leaves ranks less imbalanced than experts, equal ranks none, one expert a rank all of it", () => {
    const shares = zipfShares(64, 0.8);
    expect(contiguousImbalance(shares, 64, 3, 1)).toBeCloseTo(imbalance(shares), 9);
    expect(contiguousImbalance(shares, 1, 3, 1)).toBeCloseTo(0, 9);
    const eight = contiguousImbalance(shares, 8, 300, 1);
    expect(eight).toBeLessThan(imbalance(shares) / 3);
    expect(eight).toBeGreaterThan(0.1);
    expect(contiguousImbalance(zipfShares(64, 0), 8, 3, 1)).toBeCloseTo(0, 9);
  });

  it("averages to the exact mean over all orders of a small case", () => {
    // Loads 4, 2, 1, 1 in two ranks of two: the partner of 4 is 2 or one of the 1s: max / mean - 1 is 0.5, 0.25, 0.25.
    const shares = Float64Array.from([4, 2, 1, 1]);
    expect(contiguousImbalance(shares, 2, 20_000, 7)).toBeCloseTo(1 / 3, 2);
  });
});
