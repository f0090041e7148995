// Goal: value and bound enclose the best placement and every rule is kept. Method: all placements of small random clusters.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestFlow, smallLayerFlow } from "../../../test/support/small-layer-flows.ts";
import { seededPrng } from "../../base/prng.ts";
import { coverBound, workBound } from "./bounds.ts";
import { cheapestCover } from "./cheapest-cover.ts";
import { evaluatePlacement } from "./evaluate.ts";
import { layerBound } from "./layer-bound.ts";
import { MOVES } from "./moves.ts";
import { placeLayers } from "./place-layers.ts";
import type { LayerFlowProblem } from "./problem.ts";

const CLOSE = 1e-6;
const FEW = 20_000;

describe("placed layers", () => {
  it("pass as much as the best of all placements, below every bound", () => {
    fc.assert(
      fc.property(smallLayerFlow, (problem) => {
        const truth = bestFlow(problem);
        const { placement, value, bound, gap } = placeLayers(problem, { moves: FEW });
        expect(evaluatePlacement(problem, placement).breaches).toEqual([]);
        expect(value).toBeCloseTo(truth, 6);
        expect(bound).toBeGreaterThanOrEqual(truth - CLOSE);
        if (gap === 0) expect(value).toBeCloseTo(bound, 5);
        expect(layerBound(problem)).toBeLessThanOrEqual(coverBound(problem) + CLOSE);
        expect(coverBound(problem)).toBeLessThanOrEqual(workBound(problem) + CLOSE);
      }),
      { numRuns: 120, seed: 3 },
    );
  });

  it("are proven best where one chain is", () => {
    // Three layers on the fast machine, one on the slow one: 30 and 40; any other split has a slower part.
    const { value, bound, gap, placement } = placeLayers(two(1000));
    expect([value, bound, gap]).toEqual([30, expect.closeTo(30, 6), 0]);
    expect([...placement.count]).toEqual([3, 1]);
  });

  it("count links that are too narrow for a chain in the bound", () => {
    const { value, bound } = placeLayers(two(10));
    expect(value).toBe(10);
    // Above 20 the slow machine holds one layer alone and the fast one three, which leaves nothing for a layer with two carriers.
    expect(bound).toBeCloseTo(20, 6);
  });

  it("are the best so far where stopped at once, and the same from the same seed", () => {
    const problem = regions();
    const stopped = placeLayers(problem, { shouldStop: () => true });
    const full = placeLayers(problem, { moves: FEW });
    expect(stopped.value).toBeGreaterThan(0);
    expect(full.value).toBeGreaterThan(stopped.value);
    expect(full.value).toBeLessThanOrEqual(full.bound);
    expect(full.moves).toBeGreaterThan(stopped.moves);
    expect(full).toEqual(placeLayers(problem, { moves: FEW }));
  });
});

describe("moves", () => {
  it("keep ranges that machines can hold, all of them", () => {
    const problem = regions();
    const prng = seededPrng(4);
    for (const move of MOVES) {
      let done = 0;
      for (let i = 0; i < 2000; i++) {
        const placement = {
          start: Int32Array.from(problem.machines, () => prng.nextBelow(problem.layers - 1)),
          count: new Int32Array(problem.machines.length),
        };
        for (let m = 0; m < placement.count.length; m++) placement.count[m] = 1 + prng.nextBelow(2);
        if (!move(problem, placement, prng)) continue;
        done++;
        expect(evaluatePlacement(problem, placement).breaches).toEqual([]);
      }
      expect(done).toBeGreaterThan(0);
    }
  });
});

describe("the cheapest cover", () => {
  it("is that of trying all", () => {
    const cover = fc.record({ price: fc.integer({ min: 1, max: 9 }), size: fc.integer({ min: 1, max: 9 }), kind: fc.nat(1) });
    const limits = fc.tuple(fc.nat(3), fc.nat(3));
    fc.assert(
      fc.property(fc.array(cover, { minLength: 1, maxLength: 4 }), fc.nat(20), fc.nat(3), limits, (covers, size, count, most) => {
        const truth = (rest: number, more: number, left: readonly number[]): number => {
          if (rest <= 0 && more <= 0) return 0;
          const ways = covers.filter(({ kind }) => left[kind]! > 0);
          return Math.min(...ways.map((way) => way.price + truth(rest - way.size, more - 1, left.with(way.kind, left[way.kind]! - 1))));
        };
        expect(cheapestCover(covers, { size, count, limits: most })).toBe(truth(size, count, most));
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});

/** A fast and a slow machine with a link between them, four layers. */
function two(link: number): LayerFlowProblem {
  return {
    layers: 4,
    kinds: [
      { name: "fast", tokensPerSec: [90, 45, 30] },
      { name: "slow", tokensPerSec: [40, 20, 12] },
    ],
    machines: [0, 1],
    links: new Float64Array(4).fill(link),
    sourceLinks: new Float64Array(2).fill(1000),
    sinkLinks: new Float64Array(2).fill(1000),
    overlap: false,
  };
}

/** Two rooms of four machines each, narrow links between them, nine layers. */
function regions(): LayerFlowProblem {
  const machines = [0, 1, 1, 1, 0, 0, 1, 1];
  return {
    layers: 9,
    kinds: [
      { name: "fast", tokensPerSec: [90, 40, 28, 21] },
      { name: "slow", tokensPerSec: [50, 27, 14] },
    ],
    machines,
    links: Float64Array.from({ length: 64 }, (_zero, at) => (Math.floor(at / 8) < 4 === at % 8 < 4 ? 1000 : 9)),
    sourceLinks: new Float64Array(8).fill(1000),
    sinkLinks: new Float64Array(8).fill(1000),
    overlap: false,
  };
}
