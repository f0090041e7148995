// Goal: quantiles of Student's t are the tabled ones. Method: tables, symmetry, the normal distribution as the limit.
import { expect, test } from "vitest";
import { NORMAL_90 } from "./statistics.ts";
import { studentQuantile, studentWithin } from "./student.ts";

test("quantiles meet tabled values", () => {
  // Source: Abramowitz and Stegun (1964), table 26.10.
  const at95 = [6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812];
  at95.forEach((value, index) => {
    expect(studentQuantile(0.95, index + 1), `${index + 1} degrees`).toBeCloseTo(value, 3);
  });
  expect(studentQuantile(0.975, 5)).toBeCloseTo(2.571, 3);
  expect(studentQuantile(0.995, 2)).toBeCloseTo(9.925, 3);
});

test("quantiles are symmetric and invert the distribution", () => {
  for (const freedom of [1, 2, 3, 8, 25]) {
    for (const share of [0.51, 0.7, 0.999]) {
      expect(studentQuantile(1 - share, freedom)).toBeCloseTo(-studentQuantile(share, freedom), 9);
      expect(studentWithin(studentQuantile(share, freedom), freedom)).toBeCloseTo(2 * share - 1, 12);
    }
    expect(studentQuantile(0.5, freedom)).toBe(0);
  }
});

test("many degrees of freedom are nearly normal", () => {
  expect(studentQuantile(0.95, 2_000)).toBeCloseTo(NORMAL_90, 2);
});
