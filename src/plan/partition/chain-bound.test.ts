// Goal: the latency bound is below every placement, and counts what memory forces. Method: brute force over small random graphs; a chain counted by hand.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestLatency, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { chainBound } from "./chain-bound.ts";
import { latencyBound } from "./latency.ts";
import type { PartitionProblem } from "./problem.ts";

const CLOSE = 1e-7;

/** Graphs that are mostly chains: there the bound has most to say. */
const chains = smallProblem.map((problem) => ({
  ...problem,
  edges: [...problem.edges, ...problem.nodes.slice(1).flatMap((_node, i) => (i % 3 === 2 ? [] : [[i, i + 1] as const]))],
}));

/** Four nodes of 2 bytes in a row. */
function row(memoryBytes: number, count = 2): PartitionProblem {
  return {
    types: [
      { name: "accelerator", count, memoryBytes, transferFactor: 0.5 },
      { name: "cpu", count: 1, memoryBytes: Infinity, transferFactor: 0 },
    ],
    nodes: [3, 1, 4, 9].map((outputCost) => ({ times: [1, 10], bytes: 2, outputCost, backward: false })),
    edges: [
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 3],
    ],
  };
}

describe("chainBound", () => {
  it.each([
    ["any graphs", smallProblem],
    ["chains", chains],
    ["training graphs", chains.map(trainingOf)],
  ])("is above no placement, and not below the longest path, on %s", (_name, problems) => {
    fc.assert(
      fc.property(problems, (problem) => {
        const bound = chainBound(problem);
        const truth = bestLatency(problem);
        expect(bound).toBeGreaterThanOrEqual(latencyBound(problem) - CLOSE);
        expect(bound).toBeLessThanOrEqual(truth + CLOSE);
      }),
      { numRuns: 200, seed: 51 },
    );
  });

  it("is often the optimum on chains, and a cost too high is seen", () => {
    const sample = fc.sample(chains, { numRuns: 200, seed: 52 }).filter((problem) => bestLatency(problem) < Infinity);
    const exact = sample.filter((problem) => chainBound(problem) > bestLatency(problem) - CLOSE).length;
    expect(exact).toBeGreaterThan(sample.length / 2);
    const dear = (problem: PartitionProblem): PartitionProblem => ({
      ...problem,
      nodes: problem.nodes.map((node) => ({ ...node, outputCost: 2 * node.outputCost })),
    });
    expect(sample.some((problem) => chainBound(dear(problem)) > bestLatency(problem) + CLOSE)).toBe(true);
  });

  it("counts the transfers that memory forces, and the CPU where there are too few devices", () => {
    expect(chainBound(row(8))).toBe(4);
    // Cut after node 1, where output 1 passes; output 0 passes to node 3 as well, which this path does not see.
    expect(chainBound(row(4))).toBe(4 + 0.5 * 2);
    expect(bestLatency(row(4))).toBe(4 + 0.5 * (2 * 1 + 2 * 3));
    // One accelerator of two nodes: two on the CPU.
    expect(chainBound(row(4, 1))).toBeGreaterThan(20);
    expect(chainBound(row(4, 1))).toBeLessThanOrEqual(bestLatency(row(4, 1)));
  });

  it("is infinite where the path has no place", () => {
    const problem = row(8);
    expect(chainBound({ ...problem, nodes: problem.nodes.map((node) => ({ ...node, times: [Infinity, Infinity] })) })).toBe(Infinity);
  });

  it("is the longest path where it is stopped, and asks a path of thousands often enough", () => {
    const long = 4_000;
    const { types } = row(40);
    const problem: PartitionProblem = {
      types,
      nodes: Array.from({ length: long }, () => ({ times: [1, 10], bytes: 0.001, outputCost: 1, backward: false })),
      edges: Array.from({ length: long - 1 }, (_zero, i) => [i, i + 1] as const),
    };
    let asked = 0;
    expect(chainBound(problem, () => ++asked > 20)).toBe(latencyBound(problem));
    expect(asked).toBeGreaterThan(20);
    expect(chainBound(row(4))).toBeGreaterThan(chainBound(row(4), () => true));
  });
});
