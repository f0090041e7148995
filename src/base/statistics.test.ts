// Goal: summaries and draws follow their definitions. Method: small lists by hand; normal draws and quantiles against known shares.
import { expect, test } from "vitest";
import { seededPrng } from "./prng.ts";
import { mean, NORMAL_90, normalDraw, normalQuantile, predictiveQuantile, quantile, shuffledIndices, summarise } from "./statistics.ts";

test("quantiles are linear between order statistics", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([10, 20], 0.9)).toBe(19);
  expect(quantile([5], 0.99)).toBe(5);
  expect(summarise([1, 2, 3, 4, 5])).toEqual({ mean: 3, p50: 3, p90: 4.6, p99: 4.96 });
});

test("a predictive quantile holds one more draw with its probability", () => {
  const ranks = Float64Array.from({ length: 39 }, (_, i) => i + 1);
  expect([predictiveQuantile(ranks, 0.05), predictiveQuantile(ranks, 0.5), predictiveQuantile(ranks, 0.95)]).toEqual([2, 20, 38]);
  expect(predictiveQuantile(Float64Array.from([1, 2, 3]), 0.05)).toBe(1);
  expect(predictiveQuantile(Float64Array.from([7]), 0.95)).toBe(7);
  expect(predictiveQuantile(new Float64Array(), 0.5)).toBeNaN();
  const prng = seededPrng(4);
  const held = Array.from({ length: 20_000 }, () => {
    const sorted = Float64Array.from({ length: 39 }, () => normalDraw(prng)).sort();
    const next = normalDraw(prng);
    return next >= predictiveQuantile(sorted, 0.05) && next <= predictiveQuantile(sorted, 0.95);
  }).filter(Boolean).length;
  expect(held / 20_000).toBeCloseTo(0.9, 2);
});

test("an empty list has no mean and no quantile", () => {
  expect(mean([])).toBeNaN();
  expect(summarise([]).p90).toBeNaN();
});

test("normal quantiles meet tabled values and their own symmetry", () => {
  expect(normalQuantile(0.95)).toBeCloseTo(NORMAL_90, 8);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 8);
  expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 8);
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12);
});

test("normal draws fall inside the 90 % interval nine times in ten", () => {
  const prng = seededPrng(3);
  const draws = Array.from({ length: 20_000 }, () => normalDraw(prng));
  expect(mean(draws)).toBeCloseTo(0, 1);
  expect(draws.filter((draw) => Math.abs(draw) < NORMAL_90).length / draws.length).toBeCloseTo(0.9, 2);
});

test("a shuffle holds every index once", () => {
  const shuffled = shuffledIndices(50, seededPrng(1));
  expect([...shuffled].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect([...shuffled]).not.toEqual([...shuffled].sort((a, b) => a - b));
});
