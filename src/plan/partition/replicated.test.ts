// Goal: with replicas the best contiguous split is found, and every rule kept. Method: brute force over splits, types and replica counts of small graphs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quotientIsAcyclic, smallProblem, trainingOf } from "../../../test/support/small-partition-problems.ts";
import { contiguousSplit } from "./contiguous.ts";
import { contract } from "./contract.ts";
import { evaluateReplicated, type ReplicatedStage } from "./evaluate-replicated.ts";
import type { Replication } from "./lattice-split.ts";
import type { PartitionProblem } from "./problem.ts";
import { partitionReplicated } from "./replicated.ts";

const FREE: Replication = { syncPerByte: 0 };

/** Ways to give each of some parts one or more devices of one type. */
function* deviceLists(types: PartitionProblem["types"], parts: number): Iterable<readonly (readonly number[])[]> {
  if (parts === 0) {
    yield [];
    return;
  }
  for (const rest of deviceLists(types, parts - 1)) {
    const used = new Set(rest.flat());
    let first = 0;
    for (const { count } of types) {
      const free = Array.from({ length: count }, (_zero, k) => first + k).filter((device) => !used.has(device));
      first += count;
      for (let r = 1; r <= free.length; r++) yield [...rest, free.slice(0, r)];
    }
  }
}

/** Labels of nodes, numbered in the order of first use; backward nodes have their forward partner's. */
function* labellings(nodes: number, parts: number): Iterable<Int32Array> {
  const labels = new Int32Array(nodes);
  const total = Math.round(parts ** nodes);
  for (let code = 0; code < total; code++) {
    for (let i = 0, rest = code; i < nodes; i++, rest = Math.floor(rest / parts)) labels[i] = rest % parts;
    const firstUses = [...new Set(labels)];
    if (firstUses.every((label, at) => label === at)) yield labels;
  }
}

function best(problem: PartitionProblem, replication: Replication): number {
  const devices = problem.types.reduce((sum, { count }) => sum + count, 0);
  const free = problem.nodes.filter(({ backward }) => !backward).length;
  let least = Infinity;
  for (const half of labellings(free, devices)) {
    const labels = Int32Array.from(problem.nodes, (_node, i) => half[i % free]!);
    if (!quotientIsAcyclic(problem, labels)) continue;
    const parts = Math.max(...labels) + 1;
    for (const lists of deviceLists(problem.types, parts)) {
      const stages = lists.map(
        (list, part): ReplicatedStage => ({ devices: list, nodes: [...labels.keys()].filter((i) => labels[i] === part) }),
      );
      const { maxLoad, breaches } = evaluateReplicated(problem, stages, replication);
      if (breaches.length === 0) least = Math.min(least, maxLoad);
    }
  }
  return least;
}

describe("partitionReplicated", () => {
  it.each([
    ["graphs", smallProblem, FREE],
    ["graphs with weights to sum", smallProblem, { syncPerByte: 0.5 }],
    ["training graphs", smallProblem.map(trainingOf), { syncPerByte: 0.1 }],
  ] as const)("equals brute force on small %s", (_name, problems, replication) => {
    fc.assert(
      fc.property(problems, (problem) => {
        const truth = best(problem, replication);
        const found = partitionReplicated(problem, { replication });
        expect(found.ok).toBe(truth < Infinity);
        if (!found.ok) return;
        const { value, bound, method, stages } = found.value;
        expect(method).toBe("ideals");
        expect(value).toBeCloseTo(truth, 9);
        expect(bound.value).toBeLessThanOrEqual(truth + 1e-7);
        expect(evaluateReplicated(problem, stages, replication).breaches).toEqual([]);
      }),
      { numRuns: 100, seed: 61 },
    );
  });

  it("shares what no cut can halve, and leaves it where the sum of weights costs more", () => {
    const node = { times: [8], bytes: 2, outputCost: 1, backward: false };
    const problem: PartitionProblem = {
      types: [{ name: "accelerator", count: 4, memoryBytes: 2, transferFactor: 1 }],
      nodes: [node, { ...node, times: [24] }],
      edges: [[0, 1]],
    };
    const with3 = partitionReplicated(problem, { replication: FREE });
    // 8 + 1 on one device; (24 + 1) / 3 on each of the others.
    expect(with3.ok && with3.value.value).toBe(9);
    expect(with3.ok && with3.value.stages.map(({ devices }) => devices.length)).toEqual([1, 3]);
    const dear = partitionReplicated(problem, { replication: { syncPerByte: 100 } });
    expect(dear.ok && dear.value.value).toBe(25);
  });

  it("is not offered where it is not asked for", () => {
    fc.assert(
      fc.property(smallProblem, (problem) => {
        const split = contiguousSplit(contract(problem), { objective: "largest" });
        expect((split?.replicasOf ?? new Int32Array(0)).every((count) => count <= 1)).toBe(true);
      }),
      { numRuns: 50, seed: 62 },
    );
  });
});

describe("evaluateReplicated", () => {
  const node = { times: [4], bytes: 2, outputCost: 1, backward: false };
  const problem: PartitionProblem = {
    types: [
      { name: "a", count: 2, memoryBytes: 2, transferFactor: 1 },
      { name: "b", count: 1, memoryBytes: 9, transferFactor: 1 },
    ],
    nodes: [
      { ...node, times: [4, 4] },
      { ...node, times: [4, Infinity], colour: 1 },
    ],
    edges: [[0, 1]],
  };
  it.each([
    ["node-missing", [{ nodes: [0], devices: [0] }]],
    [
      "device-shared",
      [
        { nodes: [0], devices: [0] },
        { nodes: [1], devices: [0, 1] },
      ],
    ],
    ["unlike-devices", [{ nodes: [0, 1], devices: [1, 2] }]],
    [
      "unsupported",
      [
        { nodes: [0], devices: [0] },
        { nodes: [1], devices: [2] },
      ],
    ],
    ["memory", [{ nodes: [0, 1], devices: [0, 1] }]],
  ] as const)("names %s", (breach, stages) => {
    expect(evaluateReplicated(problem, stages, FREE).breaches).toContain(breach);
  });

  it("counts by hand", () => {
    const stages = [
      { nodes: [0], devices: [2] },
      { nodes: [1], devices: [0, 1] },
    ];
    // 4 + 1; (4 + 1) / 2, and 2 x 1/2 of 2 bytes at 3.
    expect([...evaluateReplicated(problem, stages, { syncPerByte: 3 }).loads]).toEqual([8.5, 8.5, 5]);
    const tied = { ...problem, nodes: problem.nodes.map((each) => ({ ...each, colour: 1 })) };
    expect(evaluateReplicated(tied, stages, FREE).breaches).toEqual(["colour-apart"]);
  });
});
