// Goal: tables are read exactly where measured, linearly between, and say when asked outside. Method: planted bilinear functions.
import { describe, expect, it } from "vitest";
import { gridReader } from "./grid.ts";

const plane = (x: number, y: number): number => 5 + 2 * x + 0.1 * y + 0.01 * x * y;
const points = [1, 4, 16].flatMap((x) => [0, 64, 1024].map((y) => ({ x, y, value: plane(x, y) })));

describe("grid", () => {
  it("reproduces a bilinear function between its points", () => {
    const read = gridReader(points);
    for (const [x, y] of [
      [2, 30],
      [4, 500],
      [10, 64],
      [15, 1000],
    ] as const)
      expect(read(x, y).value).toBeCloseTo(plane(x, y), 9);
  });

  it("knows measured points from interpolated ones", () => {
    const read = gridReader(points);
    expect(read(4, 64)).toEqual({ value: plane(4, 64), exact: true, outside: 0 });
    expect(read(16, 1024).exact).toBe(true);
    expect(read(4, 65).exact).toBe(false);
    expect(read(5, 64).exact).toBe(false);
  });

  it("goes on beyond the edge and says how far", () => {
    const read = gridReader(points);
    expect(read(32, 1024).value).toBeCloseTo(plane(32, 1024), 6);
    expect(read(32, 1024).outside).toBe(1);
    expect(read(16, 1536).outside).toBe(0.5);
  });

  it("never falls beyond the edge where noise says it should", () => {
    const read = gridReader([
      { x: 1, y: 0, value: 10 },
      { x: 2, y: 0, value: 9 },
    ]);
    expect(read(4, 0).value).toBe(9);
  });

  it("takes the last of two values for one point", () => {
    const read = gridReader([...points, { x: 4, y: 64, value: 1000 }]);
    expect(read(4, 64).value).toBe(1000);
    expect(Number.isFinite(read(3, 60).value)).toBe(true);
  });

  it("reads rows of unlike length", () => {
    const read = gridReader([...points.filter((point) => point.x < 16), { x: 16, y: 64, value: plane(16, 64) }]);
    expect(read(10, 64).value).toBeCloseTo(plane(10, 64), 9);
    expect(read(10, 1024).outside).toBeGreaterThan(0);
  });
});
