import { describe, expect, it } from "vitest";
import { errorFigures } from "./error-summary.ts";

describe("summary of errors", () => {
  it("keeps sign apart from size, and counts what lies inside the intervals", () => {
    const figures = errorFigures([
      { predicted: 110, measured: 100, spread: 0.05 },
      { predicted: 80, measured: 100, spread: 0.3 },
      { predicted: 100, measured: 100, spread: 0.1 },
    ]);
    expect(figures.points).toBe(3);
    expect(figures.meanError).toBeCloseTo(0.1, 9);
    expect(figures.medianError).toBeCloseTo(0.1, 9);
    expect(figures.signedMean).toBeCloseTo(-0.1 / 3, 9);
    expect(figures.coverage).toBeCloseTo(2 / 3, 9);
    expect(figures.medianHalfWidth).toBe(0.1);
  });

  it("says nothing of coverage where a point has no interval, and nothing at all of no points", () => {
    expect(errorFigures([{ predicted: 1, measured: 1 }])).not.toHaveProperty("coverage");
    expect(errorFigures([]).medianError).toBeNaN();
  });
});
