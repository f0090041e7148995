// Goal: a placement for latency keeps every rule and lies between bound and seed. Method: brute force over small random graphs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestLatency, smallProblem } from "../../../test/support/small-partition-problems.ts";
import { contiguousSplit } from "./contiguous.ts";
import { contract, expanded } from "./contract.ts";
import { evaluate } from "./evaluate.ts";
import { latencyBound, latencyOf } from "./latency.ts";
import { placeForLatency } from "./place-for-latency.ts";

const CLOSE = 1e-7;

describe("placeForLatency", () => {
  it("lies between the best of all placements and the contiguous one, and the bound below the best", () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const truth = bestLatency(problem);
        expect(latencyBound(problem)).toBeLessThanOrEqual(truth + CLOSE);
        const found = placeForLatency(problem, { moves: 300 });
        if (!found.ok) return;
        const { assignment, value, bound, gap } = found.value;
        expect(bound).toBeLessThanOrEqual(truth + CLOSE);
        expect(gap).toBeCloseTo(value > 0 ? (value - bound) / value : 0, 12);
        expect(evaluate(problem, assignment).breaches).toEqual([]);
        expect(latencyOf(problem, assignment)).toBeCloseTo(value, 9);
        expect(value).toBeGreaterThanOrEqual(truth - CLOSE);
        const contraction = contract(problem);
        const seed = contiguousSplit(contraction, { objective: "sum" })!;
        expect(value).toBeLessThanOrEqual(latencyOf(problem, expanded(contraction.groupOf, seed.deviceOf)) + CLOSE);
      }),
      { numRuns: 150, seed: 11 },
    );
  });
});
