/**
 * Goal: nothing overlaps, order goes downward, and long strips are folded.
 * Method: chains and seeded graphs; overlaps looked for pair by pair, and a planted one is found.
 */
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../../base/prng.ts";
import { layersOf } from "./layers.ts";
import { type Edge, neighboursOf, type Sized } from "./node.ts";
import { type Gaps, place } from "./place.ts";

const GAPS: Gaps = { across: 10, down: 20, column: 30, foldedFrom: 16 };
const BOX: Sized = { width: 100, height: 30 };

function boxes(count: number): readonly Sized[] {
  return Array.from({ length: count }, () => BOX);
}

function chain(count: number): Edge[] {
  return Array.from({ length: count - 1 }, (_unused, index): Edge => [index, index + 1]);
}

function seeded(count: number, seed: number): Edge[] {
  const prng = seededPrng(seed);
  return Array.from({ length: count - 1 }, (_unused, index) => index + 1).flatMap((to) =>
    Array.from({ length: 1 + prng.nextBelow(3) }, (): Edge => [Math.max(0, to - 1 - prng.nextBelow(6)), to]),
  );
}

function overlaps(sizes: readonly Sized[], x: readonly number[], y: readonly number[]): number {
  let found = 0;
  for (let a = 0; a < sizes.length; a++) {
    for (let b = a + 1; b < sizes.length; b++) {
      const apart =
        x[a]! + sizes[a]!.width <= x[b]! ||
        x[b]! + sizes[b]!.width <= x[a]! ||
        y[a]! + sizes[a]!.height <= y[b]! ||
        y[b]! + sizes[b]!.height <= y[a]!;
      if (!apart) found += 1;
    }
  }
  return found;
}

describe("layers", () => {
  it("stand below all they depend on, and sources just above their first reader", () => {
    const edges: Edge[] = [
      [0, 1],
      [1, 3],
      [2, 3],
      [3, 4],
    ];
    expect(layersOf(5, neighboursOf(5, edges))).toEqual([[0], [1, 2], [3], [4]]);
  });

  it("hold against edges that lead back", () => {
    expect(layersOf(2, neighboursOf(2, [[1, 0]]))).toEqual([[0, 1]]);
  });

  it("order neighbours near one another", () => {
    const edges: Edge[] = [
      [0, 3],
      [1, 2],
    ];
    expect(layersOf(4, neighboursOf(4, edges))).toEqual([
      [0, 1],
      [3, 2],
    ]);
  });
});

describe("places", () => {
  it.each([1, 2, 3, 4, 5])("do not overlap, seed %d", (seed) => {
    const sizes = Array.from({ length: 200 }, (_unused, index) => ({ width: 40 + ((index * 37) % 90), height: 20 + ((index * 11) % 50) }));
    const { x, y, width, height } = place(sizes, seeded(200, seed), GAPS);
    expect(overlaps(sizes, x, y)).toBe(0);
    expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...x.map((left, index) => left + sizes[index]!.width))).toBeLessThanOrEqual(width + 1e-6);
    expect(Math.max(...y.map((top, index) => top + sizes[index]!.height))).toBeLessThanOrEqual(height + 1e-6);
  });

  it("would be seen to overlap", () => {
    expect(overlaps([BOX, BOX], [0, 50], [0, 10])).toBe(1);
  });

  it("fold a strip into a drawing of a screen's shape, a short one not", () => {
    const long = place(boxes(10_000), chain(10_000), GAPS);
    expect(long.width / long.height).toBeGreaterThan(1);
    expect(long.width / long.height).toBeLessThan(3);
    expect(place(boxes(10), chain(10), GAPS).width).toBe(100);
  });

  it("are nothing for nothing", () => {
    expect(place([], [], GAPS)).toMatchObject({ x: [], y: [], height: 0 });
  });
});
