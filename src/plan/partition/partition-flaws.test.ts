// Goal: an answer is right wherever the search is stopped, and every check of that can fail. Method: stops at drawn moments, faults planted in right answers.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generatedRack } from "../../../bench/partition-racks.ts";
import { type Flaw, flawsOf } from "../../../test/support/partition-check.ts";
import { bestOf, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { type Partition, partition } from "./partition.ts";
import type { PartitionProblem } from "./problem.ts";

const MOVES = 100_000;

/** An answer to a problem that has one. */
function answerTo(problem: PartitionProblem, stopAfter = Infinity): Partition {
  let asked = 0;
  const found = partition(problem, { moves: stopAfter === Infinity ? MOVES : Infinity, shouldStop: () => asked++ >= stopAfter });
  if (!found.ok) throw found.error;
  return found.value;
}

describe("partition", () => {
  it("has no flaw on small graphs, whatever the moves and the moment it is stopped", () => {
    fc.assert(
      fc.property(smallProblem, fc.boolean(), fc.nat(3), fc.nat(2000), (small, training, stopAfter, moves) => {
        const problem = training ? trainingOf(small) : small;
        const truth = bestOf(problem);
        let asked = 0;
        const found = partition(problem, { moves, shouldStop: () => asked++ >= stopAfter });
        if (found.ok) expect(flawsOf(problem, found.value, truth)).toEqual([]);
        else expect(truth === Infinity || !found.error.proven).toBe(true);
      }),
      { numRuns: 150, seed: 41 },
    );
  });

  it("has none on racks where memory is tight, and is not worse the later it is stopped", () => {
    for (const seed of [2, 5, 9]) {
      const { problem } = generatedRack({ seed, nodes: 24 });
      const values = [1, 30, 40].map((stopAfter) => {
        const answer = answerTo(problem, stopAfter);
        expect(flawsOf(problem, answer)).toEqual([]);
        return answer.value;
      });
      expect(values).toEqual([...values].sort((a, b) => b - a));
    }
  });

  it("is never worse than the start it is given", () => {
    const { problem } = generatedRack({ seed: 5, nodes: 24 });
    const start = answerTo(problem);
    const found = partition(problem, { start: start.assignment, moves: 0 });
    expect(found.ok && found.value.value).toBe(start.value);
    expect(found.ok && found.value.method).toBe("start");
    const everywhere = new Int32Array(problem.nodes.length);
    expect(() => partition(problem, { start: everywhere, moves: 0 })).toThrow("a start keeps");
  });
});

describe("flawsOf", () => {
  const { problem } = generatedRack({ seed: 7, nodes: 12 });
  const right = answerTo(problem);
  const onOne = new Int32Array(problem.nodes.length);
  const planted: readonly (readonly [Flaw, string, Partition])[] = [
    ["rules-broken", "memory exceeded", { ...right, assignment: onOne }],
    ["value-misstated", "a value of no assignment", { ...right, value: right.value * 0.99 }],
    ["bound-above", "a bound above the value", { ...right, bound: { ...right.bound, value: right.value * 1.01 } }],
    ["stages-cyclic", "stages the other way round", { ...right, stages: [...right.stages].reverse() }],
    ["stages-cyclic", "a stage forgotten", { ...right, stages: right.stages.slice(1) }],
    ["gap-misstated", "a gap of nothing", { ...right, bound: { ...right.bound, value: 0 } }],
    ["worse-than-contiguous", "a contiguous split that is better", { ...right, contiguous: { value: right.value / 2, method: "ideals" } }],
  ];

  it("finds none in a right answer", () => {
    expect(flawsOf(problem, right, right.value)).toEqual([]);
  });

  it.each(planted)("finds %s: %s", (flaw, _what, wrong) => {
    expect(flawsOf(problem, wrong)).toContain(flaw);
  });

  it("finds a value below the optimum, and a bound above it", () => {
    expect(flawsOf(problem, right, right.value * 1.01)).toContain("below-optimum");
    expect(flawsOf(problem, right, right.value * 0.99)).toContain("bound-above");
  });
});
