// Goal: the integer programme says what the evaluator says. Method: HiGHS against brute force on small graphs, and faults planted on either side.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { solveMilp } from "../../../bench/highs/solve-milp.ts";
import { countsAlike, milpVerdict } from "../../../test/support/milp-check.ts";
import { bestOf, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { placementMilp } from "./milp.ts";
import type { PartitionProblem } from "./problem.ts";

const SECONDS = 10;

async function checkAgainstBruteForce(problem: PartitionProblem): Promise<void> {
  const truth = bestOf(problem);
  const verdict = await milpVerdict(problem, { seconds: SECONDS });
  expect(verdict.status).toBe(truth < Infinity ? "optimal" : "infeasible");
  if (truth === Infinity) return;
  expect(countsAlike(verdict), JSON.stringify(verdict)).toBe(true);
  expect(verdict.value).toBeCloseTo(truth, 5);
}

/** Two nodes that memory keeps apart: the one output that crosses is all the difference. */
const pair: PartitionProblem = {
  types: [{ name: "accelerator", count: 2, memoryBytes: 1, transferFactor: 0.5 }],
  nodes: [
    { times: [4], bytes: 1, outputCost: 3, backward: false },
    { times: [5], bytes: 1, outputCost: 9, backward: false },
  ],
  edges: [[0, 1]],
};

describe("placementMilp", () => {
  it("has the optimum that brute force finds", async () => {
    await fc.assert(fc.asyncProperty(smallProblem, checkAgainstBruteForce), { numRuns: 60, seed: 21 });
  });

  it("has it for training graphs", async () => {
    await fc.assert(
      fc.asyncProperty(smallProblem, (problem) => checkAgainstBruteForce(trainingOf(problem))),
      { numRuns: 20, seed: 22 },
    );
  });

  it("puts a cycle on one device", async () => {
    const cyclic: PartitionProblem = { ...pair, types: [{ ...pair.types[0]!, memoryBytes: 2 }], edges: [...pair.edges, [1, 0]] };
    expect((await milpVerdict(cyclic, { seconds: SECONDS })).value).toBeCloseTo(9, 6);
  });

  it("has no solution below the optimum, and has one above", async () => {
    const status = async (below: number): Promise<string> =>
      (await solveMilp(placementMilp(pair, { below }).text, { seconds: SECONDS, gap: 0 })).status;
    // 5 and half of the cost 3.
    expect(await status(6.49)).toBe("infeasible");
    expect(await status(6.51)).toBe("optimal");
  });

  it("reads as a programme", () => {
    expect(placementMilp(pair).text).toContain(" out0_1_1: y0_1 - x0_1 + x1_1 >= 0");
  });

  it.each([
    ["a cost factor dropped in the programme", { ...pair, types: [{ ...pair.types[0]!, transferFactor: 0 }] }, pair],
    ["a cost factor dropped in the evaluator", pair, { ...pair, types: [{ ...pair.types[0]!, transferFactor: 0 }] }],
    ["the edge forgotten", { ...pair, edges: [] }, pair],
    ["another node's cost", { ...pair, nodes: [{ ...pair.nodes[0]!, outputCost: 9 }, pair.nodes[1]!] }, pair],
    ["memory forgotten", { ...pair, types: [{ ...pair.types[0]!, memoryBytes: Infinity, transferFactor: 9 }] }, pair],
  ])("is told apart where there is %s", async (_fault, solved, scoredOn) => {
    expect(countsAlike(await milpVerdict(pair, { seconds: SECONDS }))).toBe(true);
    expect(countsAlike(await milpVerdict(solved, { seconds: SECONDS, scoredOn }))).toBe(false);
  });
});
