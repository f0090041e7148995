// Goal: value and bound enclose the true optimum and every rule is kept. Method: brute force over all assignments of small random graphs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestOf, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { seededPrng } from "../../base/prng.ts";
import { pricedBound, rootBound } from "./bounds.ts";
import { contract, expanded } from "./contract.ts";
import { evaluate } from "./evaluate.ts";
import { applyMove, fits, loadState, moveDelta } from "./loads.ts";
import { localSearch } from "./local-search.ts";
import { partition } from "./partition.ts";
import type { PartitionProblem } from "./problem.ts";
import { refute } from "./refute.ts";
import { stagesHold } from "./stages.ts";

const CLOSE = 1e-7;
const MOVES = 400_000;

function checkAgainstBruteForce(problem: PartitionProblem): void {
  const truth = bestOf(problem);
  const found = partition(problem, { moves: MOVES });
  expect(found.ok).toBe(truth < Infinity);
  if (!found.ok) {
    expect(found.error.proven).toBe(true);
    return;
  }
  const { assignment, value, bound, stages, gap } = found.value;
  expect(evaluate(problem, assignment).breaches).toEqual([]);
  expect(stagesHold(problem, assignment, stages)).toBe(true);
  expect(value).toBeGreaterThanOrEqual(truth - CLOSE);
  expect(bound.value).toBeLessThanOrEqual(truth + CLOSE);
  // So few nodes are searched to the end.
  expect(value).toBeCloseTo(truth, 6);
  expect(gap).toBe(0);
}

describe("partition", () => {
  it("finds and proves the optimum of small graphs", () => {
    fc.assert(fc.property(smallProblem, checkAgainstBruteForce), { numRuns: 150, seed: 3 });
  });

  it("does so for training graphs", () => {
    fc.assert(
      fc.property(smallProblem, (problem) => checkAgainstBruteForce(trainingOf(problem))),
      { numRuns: 50, seed: 4 },
    );
  });

  it("answers with the best so far when it is stopped at once", () => {
    const node = { times: [1], bytes: 0, outputCost: 0.1, backward: false };
    const types = [{ name: "accelerator", count: 2, memoryBytes: 1, transferFactor: 1 }];
    const found = partition({ types, nodes: [node, node], edges: [[0, 1]] }, { shouldStop: () => true });
    expect(found.ok && found.value.value).toBeCloseTo(1.1, 12);
  });

  it("draws the same assignment from the same seed", () => {
    const problem = mixed(40);
    const first = partition(problem, { moves: MOVES, seed: 5 });
    const second = partition(problem, { moves: MOVES, seed: 5 });
    expect(first).toEqual(second);
  });
});

describe("bounds", () => {
  it("hold at any prices", () => {
    fc.assert(
      fc.property(smallProblem, fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }), (problem, drawn) => {
        const truth = bestOf(problem);
        const { graph } = contract(problem);
        const prices = { time: Float64Array.from(drawn.slice(0, 2)), bytes: Float64Array.from(drawn.slice(2)) };
        expect(pricedBound(graph, prices)).toBeLessThanOrEqual(truth + CLOSE);
        expect(rootBound(graph).bound.value).toBeLessThanOrEqual(truth + CLOSE);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it("count work that memory forces onto a slow device", () => {
    const types = [
      { name: "accelerator", count: 1, memoryBytes: 10, transferFactor: 1 },
      { name: "cpu", count: 1, memoryBytes: Infinity, transferFactor: 0 },
    ];
    // Ten nodes of 2 bytes: five of them must go where each takes 10.
    const nodes = Array.from({ length: 10 }, () => ({ times: [1, 10], bytes: 2, outputCost: 0, backward: false }));
    expect(rootBound(contract({ types, nodes, edges: [] }).graph).bound.value).toBeGreaterThan(48);
  });

  it.each(["largest", "tightest"] as const)("rule out exactly what is below the optimum, %s first", (order) => {
    fc.assert(
      fc.property(smallProblem, fc.double({ min: 0.5, max: 1.5, noNaN: true }), (problem, share) => {
        const truth = bestOf(problem);
        if (truth === 0 || truth === Infinity) return;
        const { graph, groupOf } = contract(problem);
        const limit = truth * share;
        const tried = refute(graph, rootBound(graph).prices, limit, { moves: MOVES, order });
        if (Math.abs(share - 1) > CLOSE) expect(tried.outcome).toBe(share > 1 ? "found" : "none");
        if (tried.outcome !== "found") return;
        const scored = evaluate(problem, expanded(groupOf, tried.deviceOf));
        expect(scored.breaches).toEqual([]);
        expect(scored.maxLoad).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300, seed: 6 },
    );
  });
});

describe("local search", () => {
  it("keeps loads equal to the evaluator's, move by move", () => {
    const problem = mixed(30);
    const { graph, groupOf } = contract(problem);
    const prng = seededPrng(1);
    const state = loadState(graph, new Int32Array(graph.size).fill(2));
    for (let i = 0; i < 2000; i++) {
      const vertex = prng.nextBelow(graph.size);
      const to = prng.nextBelow(3);
      if (to === state.deviceOf[vertex] || !fits(state, vertex, to)) continue;
      moveDelta(state, vertex, to);
      applyMove(state, vertex, to);
      const { loads } = evaluate(problem, expanded(groupOf, state.deviceOf));
      loads.forEach((load, d) => {
        expect(state.loads[d]).toBeCloseTo(load, 8);
      });
    }
  });

  it("is never worse than its seed and keeps memory", () => {
    const problem = mixed(40);
    const { graph, groupOf } = contract(problem);
    const seed = new Int32Array(graph.size).fill(2);
    const found = localSearch(graph, seed, { seed: 2, moves: MOVES });
    const scored = evaluate(problem, expanded(groupOf, found.deviceOf));
    expect(scored.breaches).toEqual([]);
    expect(scored.maxLoad).toBeCloseTo(found.load, 9);
    expect(found.load).toBeLessThan(evaluate(problem, expanded(groupOf, seed)).maxLoad);
  });
});

/** A random graph on two accelerators with little memory and a CPU. */
function mixed(size: number): PartitionProblem {
  const prng = seededPrng(size);
  return {
    types: [
      { name: "accelerator", count: 2, memoryBytes: 2 * size, transferFactor: 1 },
      { name: "cpu", count: 1, memoryBytes: Infinity, transferFactor: 0 },
    ],
    nodes: Array.from({ length: size }, () => {
      const time = 1 + prng.nextBelow(9);
      return { times: [time, 3 * time], bytes: prng.nextBelow(9), outputCost: prng.nextFloat(), backward: false };
    }),
    edges: Array.from({ length: size - 1 }, (_zero, i) => [prng.nextBelow(i + 1), i + 1] as const),
  };
}
