// Goal: constraints are kept, their cost is what brute force finds, and wrong ones are told before any search. Method: small random graphs, wrong examples.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestOf, smallProblem } from "../../../test/support/small-partition-problems.ts";
import { type Constraint, constrained, type NamedProblem } from "./constraints.ts";
import { evaluate } from "./evaluate.ts";
import { globMatches } from "./glob.ts";
import { partitionConstrained } from "./partition-constrained.ts";
import { type Assignment, deviceTypes, type PartitionProblem } from "./problem.ts";

const CLOSE = 1e-7;
const node = (time: number, bytes = 1): PartitionProblem["nodes"][number] => ({
  times: [time, 4 * time],
  bytes,
  outputCost: 1,
  backward: false,
});

/** Four operators in a row on two accelerators and a CPU. */
const chain: NamedProblem = {
  names: ["embed", "layers.0.attention", "layers.0.mlp", "head"],
  problem: {
    types: [
      { name: "accelerator", count: 2, memoryBytes: 3, transferFactor: 1 },
      { name: "cpu", count: 1, memoryBytes: Infinity, transferFactor: 0 },
    ],
    nodes: [node(1), node(4), node(4), node(2)],
    edges: [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  },
};

const pin = (pattern: string, to: string): Constraint => ({ kind: "pin", pattern, to });
const forbid = (pattern: string, from: string): Constraint => ({ kind: "forbid", pattern, from });

function solved(constraints: readonly Constraint[]) {
  const found = partitionConstrained(chain, constraints, { moves: 200_000, costMoves: 100_000 });
  if (!found.ok) throw found.error;
  expect(evaluate(chain.problem, found.value.assignment).maxLoad).toBeCloseTo(found.value.value, 9);
  return found.value;
}

/** Whether an assignment keeps a constraint: read from names and devices, apart from how the search is told. */
function keeps({ names, problem }: NamedProblem, assignment: Assignment, constraint: Constraint): boolean {
  const typeOf = deviceTypes(problem.types);
  const matched = names.flatMap((name, i) =>
    (constraint.kind === "together" ? constraint.patterns : [constraint.pattern]).some((pattern) => globMatches(pattern, name)) ? [i] : [],
  );
  if (constraint.kind === "together") return new Set(matched.map((i) => assignment[i])).size <= 1;
  const [typeName, index] = (constraint.kind === "pin" ? constraint.to : constraint.from).split("#");
  const type = problem.types.findIndex(({ name }) => name === typeName);
  const at = (device: number): boolean =>
    typeOf[device] === type && (index === undefined || device - typeOf.indexOf(type) === Number(index));
  return matched.every((i) => at(assignment[i]!) === (constraint.kind === "pin"));
}

describe("globMatches", () => {
  it.each([
    ["layers.*.mlp", "layers.12.mlp", true],
    ["layers.*.mlp", "layers.12.mlp.up", false],
    ["*", "", true],
    ["l?yer", "layer", true],
    ["l?yer", "lyer", false],
    ["*a*b", "xaxxbab", true],
    ["a.c", "abc", false],
  ])("says of %s and %s: %s", (pattern, text, answer) => {
    expect(globMatches(pattern, text)).toBe(answer);
  });
});

describe("partitionConstrained", () => {
  it("keeps pins to a type and to a device, bans, and what belongs together", () => {
    for (const constraints of [
      [pin("embed", "cpu")],
      [pin("head", "accelerator#1"), pin("embed", "accelerator#0")],
      [forbid("layers.*", "accelerator#0")],
      [{ kind: "together", patterns: ["embed", "head"] } as const],
    ]) {
      const { assignment } = solved(constraints);
      for (const constraint of constraints) expect(keeps(chain, assignment, constraint)).toBe(true);
    }
  });

  it("says what each costs, both bounds beside it", () => {
    const free = solved([]).value;
    // The CPU takes 16 for what an accelerator takes 4: 16, and nothing else is as large.
    const { value, costs } = solved([pin("*mlp", "cpu"), forbid("embed", "accelerator#0")]);
    expect(value).toBe(16);
    expect(costs.map(({ cost, costMin, costMax }) => [cost, costMin, costMax])).toEqual([
      [16 - free, expect.closeTo(16 - free, 6), expect.closeTo(16 - free, 6)],
      [0, expect.closeTo(0, 6), expect.closeTo(0, 6)],
    ]);
    expect(costs[0]!.with.value).toBe(16);
    expect(costs[0]!.without.value).toBe(free);
  });

  it("equals brute force with and without each constraint, on small graphs", () => {
    const kind = fc.constantFrom("pin" as const, "forbid" as const, "together" as const);
    const drawn = fc.array(fc.tuple(kind, fc.nat(5), fc.nat(5), fc.nat(2), fc.boolean()), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(smallProblem, drawn, (small, choices) => {
        const problem = { ...small, types: small.types.map((type, t) => ({ ...type, name: `type${t}` })) };
        const named: NamedProblem = { problem, names: problem.nodes.map((_node, i) => `op${i}`) };
        const typeOf = deviceTypes(problem.types);
        const constraints = choices.map(([what, a, b, d, one]): Constraint => {
          const [i, j] = [a % problem.nodes.length, b % problem.nodes.length];
          const device = d % typeOf.length;
          const place = `type${typeOf[device]}${one ? `#${device - typeOf.indexOf(typeOf[device]!)}` : ""}`;
          if (what === "together") return { kind: what, patterns: [`op${i}`, `op${j}`] };
          return what === "pin" ? pin(`op${i}`, place) : forbid(`op${i}`, place);
        });
        const truth = (kept: readonly Constraint[]): number =>
          bestOf(problem, (assignment) => kept.every((constraint) => keeps(named, assignment, constraint)));
        const best = truth(constraints);
        const found = partitionConstrained(named, constraints, { moves: 100_000, costMoves: 100_000 });
        expect(found.ok).toBe(best < Infinity);
        if (!found.ok) return;
        expect(found.value.value).toBeCloseTo(best, 6);
        for (const constraint of constraints) expect(keeps(named, found.value.assignment, constraint)).toBe(true);
        for (const { constraint, cost, costMin, costMax } of found.value.costs) {
          const exact = best - truth(constraints.filter((other) => other !== constraint));
          expect(cost).toBeCloseTo(exact, 6);
          expect(costMin).toBeLessThanOrEqual(exact + CLOSE);
          expect(costMax).toBeGreaterThanOrEqual(exact - CLOSE);
        }
      }),
      { numRuns: 80, seed: 31 },
    );
  });
});

describe("constrained", () => {
  const codeOf = (...constraints: Constraint[]): unknown => {
    const built = constrained(chain, constraints);
    return built.ok ? "ok" : built.error;
  };

  it("refuses patterns that match nothing and places that do not exist", () => {
    expect(codeOf(pin("layer.*", "cpu"))).toEqual({
      code: "constraint-matches-nothing",
      constraint: pin("layer.*", "cpu"),
      pattern: "layer.*",
    });
    expect(codeOf({ kind: "together", patterns: ["embed", "tail"] })).toMatchObject({
      code: "constraint-matches-nothing",
      pattern: "tail",
    });
    expect(codeOf(pin("embed", "gpu"))).toMatchObject({
      code: "constraint-place-unknown",
      places: ["accelerator", "accelerator#0", "accelerator#1", "cpu", "cpu#0"],
    });
    expect(codeOf(pin("embed", "accelerator#2"))).toMatchObject({ code: "constraint-place-unknown" });
  });

  it("refuses what contradicts itself, and names who is part of it", () => {
    const both = [pin("embed", "cpu"), pin("e*", "accelerator")];
    expect(codeOf(...both, pin("head", "cpu"))).toEqual({ code: "constraints-contradict", operators: ["embed"], constraints: both });
    expect(codeOf(pin("head", "cpu"), forbid("head", "cpu"))).toMatchObject({ code: "constraints-contradict", operators: ["head"] });
    const apart = [pin("embed", "accelerator#0"), pin("head", "accelerator#1"), { kind: "together", patterns: ["embed", "head"] }] as const;
    expect(codeOf(...apart)).toMatchObject({ code: "constraints-contradict", operators: ["embed", "head"] });
    // Four bytes, where an accelerator holds three.
    expect(codeOf({ kind: "together", patterns: ["*"] }, pin("embed", "accelerator"))).toMatchObject({ code: "constraints-contradict" });
  });

  it("lets through what only looks like a contradiction", () => {
    expect(codeOf(pin("embed", "accelerator"), forbid("embed", "accelerator#0"))).toBe("ok");
    expect(codeOf({ kind: "together", patterns: ["*"] })).toBe("ok");
  });
});
