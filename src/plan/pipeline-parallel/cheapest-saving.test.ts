// Goal: the cheapest set of savings is found. Method: all sets of small random items.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { cheapestSaving, type Saving } from "./cheapest-saving.ts";

const saving = fc.record({ cost: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 1, max: 20 }) });
const items = fc.array(fc.array(saving, { minLength: 1, maxLength: 3 }), { maxLength: 6 });

function byTrying(all: readonly (readonly Saving[])[], needed: number): number {
  const [first, ...rest] = all;
  if (needed <= 0) return 0;
  if (first === undefined) return Infinity;
  return first.reduce((best, { cost, bytes }) => Math.min(best, cost + byTrying(rest, needed - bytes)), byTrying(rest, needed));
}

describe("the cheapest saving", () => {
  it("is that of trying all sets, and reaches what was asked for", () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 60 }), (all, needed) => {
        const truth = byTrying(all, needed);
        const found = cheapestSaving(all, needed);
        expect(found?.cost ?? Infinity).toBe(truth);
        if (found === undefined) return;
        const chosen = all.flatMap((options, i) => (found.chosen[i]! < 0 ? [] : [options[found.chosen[i]!]!]));
        expect(chosen.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThanOrEqual(needed);
        expect(chosen.reduce((sum, { cost }) => sum + cost, 0)).toBe(found.cost);
        expect(found.exact).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("says where its list was cut, and still answers", () => {
    // As much saved as it costs: hardly a set is worse than another.
    const prng = seededPrng(1);
    const hard = Array.from({ length: 40 }, () => [prng.nextBelow(1_000_000)].map((size) => ({ cost: size, bytes: size })));
    const needed = hard.reduce((sum, [option]) => sum + option!.bytes, 0) / 2;
    const found = cheapestSaving(hard, needed);
    expect(found?.exact).toBe(false);
    expect(hard.reduce((sum, [option], i) => sum + (found!.chosen[i]! < 0 ? 0 : option!.bytes), 0)).toBeGreaterThanOrEqual(needed);
  });
});
