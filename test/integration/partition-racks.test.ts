// Goal: on racks of unlike devices with tight memory the partitioner is within 2 % of the optimum. Method: HiGHS proves optima of nine generated racks, and that two admit nothing.
import { describe, expect, it } from "vitest";
import { generatedRack } from "../../bench/partition-racks.ts";
import { evaluate } from "../../src/plan/partition/evaluate.ts";
import { partition } from "../../src/plan/partition/partition.ts";
import type { PartitionProblem } from "../../src/plan/partition/problem.ts";
import { countsAlike, milpVerdict } from "../support/milp-check.ts";

const WITHIN = 0.02;
const CLOSE = 1e-6;
const SECONDS = 50;
const MOVES = 600_000;

/** All of them are proven in less than a second of computing. */
const SIZES: readonly (readonly [seed: number, nodes: number])[] = [
  [3, 12],
  [6, 12],
  [7, 16],
  [10, 16],
  [12, 12],
  [16, 16],
  [18, 12],
  [21, 12],
  [24, 12],
];
/** Racks that hold the graph in bytes, but not operator by operator. */
const TOO_TIGHT: typeof SIZES = [
  [4, 16],
  [9, 12],
];

describe("generatedRack", () => {
  it.each(SIZES)("gives seed %d unlike types, unlike links and memory that binds", (seed, nodes) => {
    const { types, nodes: operators } = generatedRack({ seed, nodes }).problem;
    expect(types.length).toBeGreaterThanOrEqual(3);
    expect(new Set(types.map(({ transferFactor }) => transferFactor)).size).toBe(types.length);
    const held = operators.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { memoryBytes } of types) expect(memoryBytes).toBeLessThan(held);
    const roomy = types.map((type) => ({ ...type, memoryBytes: Infinity }));
    const { problem } = generatedRack({ seed, nodes });
    // Without the limits another placement is better: they bind.
    expect(placedValue({ ...problem, types: roomy })).toBeLessThan(placedValue(problem));
  });
});

describe("partition", () => {
  it.each(SIZES)("is within two per cent of the optimum on rack %d of %d operators", async (seed, nodes) => {
    const { problem } = generatedRack({ seed, nodes });
    const verdict = await milpVerdict(problem, { seconds: SECONDS });
    expect(verdict.status).toBe("optimal");
    expect(countsAlike(verdict), JSON.stringify(verdict)).toBe(true);
    const found = partition(problem, { moves: MOVES });
    if (!found.ok) throw found.error;
    expect(evaluate(problem, found.value.assignment).breaches).toEqual([]);
    expect(found.value.value).toBeLessThanOrEqual(verdict.value * (1 + WITHIN));
    expect(found.value.value).toBeGreaterThanOrEqual(verdict.value * (1 - CLOSE));
    expect(found.value.bound.value).toBeLessThanOrEqual(verdict.value * (1 + CLOSE));
  });

  it.each(TOO_TIGHT)("knows with HiGHS that rack %d of %d operators admits nothing", async (seed, nodes) => {
    const { problem } = generatedRack({ seed, nodes });
    expect((await milpVerdict(problem, { seconds: SECONDS })).status).toBe("infeasible");
    const found = partition(problem, { moves: MOVES });
    expect(found.ok ? undefined : found.error).toEqual({ code: "no-placement", proven: true });
  });

  it("is told apart where the programme forgets what links cost", async () => {
    const { problem } = generatedRack({ seed: 7, nodes: 16 });
    const free = problem.types.map((type) => ({ ...type, transferFactor: 0 }));
    expect(countsAlike(await milpVerdict({ ...problem, types: free }, { seconds: SECONDS, scoredOn: problem }))).toBe(false);
  });
});

function placedValue(problem: PartitionProblem): number {
  const found = partition(problem, { moves: 300_000 });
  if (!found.ok) throw found.error;
  return found.value.value;
}
