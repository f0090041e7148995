// Goal: each routing goes where its rule says. Method: fleets of a few replicas with loads and caches by hand.
import { describe, expect, it } from "vitest";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { servingRouting } from "./routing-named.ts";
import type { RouteQuestion } from "./serving-routing.ts";

const COST: IterationCost = {
  iterationNs: ({ prefillTokens, decodes, decodeContext }) => 1_000_000 + 10_000 * prefillTokens + 1000 * decodes + decodeContext,
  spread: 0,
  basis: "data-sheet",
  source: "test",
};

interface Spot {
  readonly load?: number;
  readonly cached?: number;
  readonly backlog?: number;
}

function question(spots: readonly Spot[], promptTokens = 1000): RouteQuestion {
  const rules = { maxBatchedTokens: 512, maxSequences: 8 };
  return {
    promptTokens,
    expectedTokens: 100,
    candidates: Int32Array.from(spots.keys()),
    candidateCount: spots.length,
    cachedTokens: Int32Array.from(spots, ({ cached = 0 }) => cached),
    replicas: spots.map(({ load = 0, backlog = 0 }, index) => ({
      index,
      rules,
      runningCount: load,
      backlogTokens: backlog,
      contextTokens: load * 500,
    })),
    loads: Int32Array.from(spots, ({ load = 0 }) => load),
    kinds: new Int32Array(spots.length),
    costs: spots.map(() => COST),
    turn: 0,
    adapter: undefined,
    refresh: () => {},
  };
}

describe("routing", () => {
  it("in turn goes round, and by load to the fewest requests, ties by index", () => {
    const asked = question([{ load: 3 }, { load: 1 }, { load: 1 }]);
    const turns = servingRouting("round-robin", 1);
    expect([1, 2, 3, 4].map(() => turns.choose(asked))).toEqual([0, 1, 2, 0]);
    expect(servingRouting("least-loaded", 1).choose(asked)).toBe(1);
  });

  it("at random is the same for a seed and reaches all", () => {
    const draw = (seed: number): number[] => {
      const random = servingRouting("random", seed);
      return Array.from({ length: 40 }, () => random.choose(question([{}, {}, {}])));
    };
    expect(draw(4)).toEqual(draw(4));
    expect(new Set(draw(4)).size).toBe(3);
    expect(draw(5)).not.toEqual(draw(4));
  });

  it("by prefix follows the longest one while loads are even and it is worth it", () => {
    const byPrefix = servingRouting("prefix-aware", 1);
    expect(byPrefix.choose(question([{}, { cached: 512, load: 9 }, { cached: 256 }]))).toBe(1);
    expect(byPrefix.choose(question([{}, { cached: 256, load: 9 }, {}]))).toBe(0);
    expect(byPrefix.choose(question([{ load: 2 }, { cached: 900, load: 99 }, { load: 1 }]))).toBe(2);
  });

  it("by price weighs cache against load", () => {
    const byPrice = servingRouting("priced", 1);
    expect(byPrice.choose(question([{}, { cached: 512 }]))).toBe(1);
    expect(byPrice.choose(question([{}, { cached: 512, backlog: 5000, load: 4 }]))).toBe(0);
    expect(byPrice.choose(question([{ load: 2 }, { load: 1 }, { load: 3 }]))).toBe(1);
    // All alike: the first.
    expect(byPrice.choose(question([{}, {}, {}]))).toBe(0);
  });

  it("by price chooses as a plain search over all prices does", () => {
    const byPrice = servingRouting("priced", 1);
    for (let seed = 0; seed < 200; seed++) {
      const spots = Array.from({ length: 12 }, (_, i) => ({
        load: (seed * 7 + i * 5) % 11,
        cached: 128 * ((seed + 3 * i) % 8),
        backlog: 97 * ((seed * 3 + i) % 13),
      }));
      const chosen = byPrice.choose(question(spots));
      // One at a time nothing is passed over; the cheapest of pairs must be the cheapest of all.
      for (let other = 0; other < spots.length; other++) {
        const pair = { ...question(spots), candidates: Int32Array.from([chosen, other].sort((a, b) => a - b)), candidateCount: 2 };
        expect(byPrice.choose(pair), `seed ${seed}, ${other}`).toBe(chosen);
      }
    }
  });
});
