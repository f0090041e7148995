// Goal: the contiguous split is the best there is, and keeps every rule. Method: brute force over all assignments of small random graphs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestOf, quotientIsAcyclic, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { contiguousSplit } from "./contiguous.ts";
import { contract, expanded } from "./contract.ts";
import { evaluate, splitDevices } from "./evaluate.ts";
import type { PartitionProblem } from "./problem.ts";
import { stagesHold, stagesOf } from "./stages.ts";

describe("contiguousSplit", () => {
  it("equals brute force over all assignments with an acyclic quotient", () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const truth = bestOf(problem, (assignment) => quotientIsAcyclic(problem, assignment));
        const contraction = contract(problem);
        const split = contiguousSplit(contraction, { objective: "largest" });
        expect(split === undefined).toBe(truth === Infinity);
        if (split === undefined) return;
        expect(split.method).toBe("ideals");
        expect(split.value).toBeCloseTo(truth, 9);
        const assignment = expanded(contraction.groupOf, split.deviceOf);
        const scored = evaluate(problem, assignment);
        expect(scored.breaches).toEqual([]);
        expect(scored.maxLoad).toBeCloseTo(split.value, 9);
        expect(splitDevices(problem, assignment)).toEqual([]);
        const stages = stagesOf(problem, assignment)!;
        expect(stages).toHaveLength(new Set(assignment).size);
        expect(stagesHold(problem, assignment, stages)).toBe(true);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it("is never below the best where only linear orders are looked at, and keeps the rules", () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const contraction = contract(problem);
        const split = contiguousSplit(contraction, { objective: "largest", idealsMax: 1 });
        if (split === undefined) return;
        expect(split.method).toBe("linear-orders");
        const assignment = expanded(contraction.groupOf, split.deviceOf);
        expect(evaluate(problem, assignment).breaches).toEqual([]);
        expect(quotientIsAcyclic(problem, assignment)).toBe(true);
        expect(split.value).toBeGreaterThanOrEqual(contiguousSplit(contraction, { objective: "largest" })!.value - 1e-9);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  it("orders a training graph by its forward part", () => {
    fc.assert(
      fc.property(smallProblem, (forward) => {
        const problem = trainingOf(forward);
        const contraction = contract(problem);
        const split = contiguousSplit(contraction, { objective: "largest" });
        const truth = bestOf(problem, (assignment) => quotientIsAcyclic(problem, assignment));
        expect(split === undefined).toBe(truth === Infinity);
        if (split === undefined) return;
        expect(split.value).toBeCloseTo(truth, 9);
        const assignment = expanded(contraction.groupOf, split.deviceOf);
        expect(splitDevices(problem, assignment)).toEqual([]);
        expect(stagesHold(problem, assignment, stagesOf(problem, assignment)!)).toBe(true);
      }),
      { numRuns: 100, seed: 9 },
    );
  });

  it("places a backward node without a forward partner as the mirror of the order", () => {
    const node = { times: [1], bytes: 1, outputCost: 0.25 };
    const problem: PartitionProblem = {
      types: [{ name: "accelerator", count: 2, memoryBytes: 3, transferFactor: 1 }],
      nodes: [
        { ...node, colour: 0, backward: false },
        { ...node, colour: 1, backward: false },
        { ...node, colour: 1, backward: true },
        { ...node, backward: true },
        { ...node, colour: 0, backward: true },
      ],
      edges: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ],
    };
    const split = contiguousSplit(contract(problem), { objective: "largest" })!;
    // Either side may hold node 3: 3 nodes and one transfer each way.
    expect(split.value).toBeCloseTo(3.5, 12);
  });
});
