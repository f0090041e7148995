// The loop of search and simulation against a simulation that is known: it finds the cheapest fleet that keeps the target, goes on where the closed forms
// are wrong, and says what it left out.
import { describe, expect, it } from "vitest";
import { linearProblem } from "../../../test/support/linear-iterations.ts";
import type { FleetPlan } from "./fleet-plan.ts";
import { planForSlo } from "./plan-for-slo.ts";
import type { SloProblem } from "./slo-problem.ts";
import { type PlanSimulator, type Verification, verifyPlans } from "./verify-plans.ts";

/** A simulation in which a fleet carries `carried(plan)` times what the closed forms say. */
function simulator(problem: SloProblem, carried: (plan: FleetPlan) => number): PlanSimulator {
  return async (plan) => {
    const load = problem.workload.peakRate / (plan.rate * carried(plan));
    const { ttftNs, tpotNs, percentile } = problem.target;
    const attained = Math.min(1, percentile / load);
    return { ttftNs: ttftNs * load, tpotNs: tpotNs * load, attained, cachedShare: 0, met: load <= 1 };
  };
}

async function verified(problem: SloProblem, simulate: PlanSimulator, simulationsMax = 200): Promise<Verification> {
  const found = planForSlo(problem);
  if (!found.ok) throw new TypeError(found.error.detail);
  return verifyPlans(problem, found.value.plans, { simulationsMax, simulate });
}

/** The cheapest price at which any number of replicas of any design carries the rate. */
function exhaustive(problem: SloProblem, carried: (plan: FleetPlan) => number): number {
  const found = planForSlo(problem);
  if (!found.ok) throw new TypeError(found.error.detail);
  let least = Number.POSITIVE_INFINITY;
  for (const plan of found.value.plans) {
    for (let replicas = 1; replicas <= 64; replicas++) {
      const { capacity } = plan.pools[0]!;
      const { count, dollarsPerHour } = plan.fleet.devices[0]!;
      if (replicas * capacity.replica.devices > count) break;
      const rate = replicas * capacity.rate * carried(plan);
      if (rate >= problem.workload.peakRate) least = Math.min(least, replicas * capacity.replica.devices * dollarsPerHour);
    }
  }
  return least;
}

describe("search with simulations", () => {
  const problem = linearProblem();

  it.each([
    ["right", () => 1],
    ["too hopeful", () => 0.8],
    ["too careful", () => 1.15],
    ["wrong by device", (plan: FleetPlan) => (plan.pools[0]!.capacity.design.device === "slow" ? 0.7 : 1)],
  ] as const)("finds the cheapest fleet where the closed forms are %s", async (_name, carried) => {
    const { chosen, untried } = await verified(problem, simulator(problem, carried));
    expect(chosen!.simulated.met).toBe(true);
    expect(chosen!.plan.dollarsPerHour).toBe(exhaustive(problem, carried));
    expect(untried).toBe(0);
  });

  it("never chooses a plan whose simulation misses the target", async () => {
    const { chosen, tried } = await verified(
      problem,
      simulator(problem, () => 0),
    );
    expect(chosen).toBeUndefined();
    expect(tried.length).toBeGreaterThan(0);
  });

  it("says what it left when the simulations ran out", async () => {
    const { tried, untried } = await verified(
      problem,
      simulator(problem, () => 0.5),
      2,
    );
    expect(tried).toHaveLength(2);
    expect(untried).toBeGreaterThan(0);
  });

  it("gives a split fleet more of the role whose measure is missed", async () => {
    const choices = { ...problem.choices, split: true };
    const split: SloProblem = { ...problem, choices, transfer: { bandwidthBytesPerSecond: 1e11, latencyNs: 1e4 } };
    const found = planForSlo(split);
    if (!found.ok) throw new TypeError(found.error.detail);
    const plan = found.value.plans.find(({ pools }) => pools.length === 2)!;
    const [prefills, decodes] = plan.pools.map(({ replicas }) => replicas);
    const simulate: PlanSimulator = async ({ pools }) => {
      const met = pools[1]!.replicas > decodes!;
      return { ttftNs: 1, tpotNs: met ? 1 : 2 * split.target.tpotNs, attained: met ? 1 : 0.8, cachedShare: 0, met };
    };
    const { chosen } = await verifyPlans(split, [plan], { simulationsMax: 50, simulate });
    expect(chosen!.plan.pools.map(({ replicas }) => replicas)[1]).toBe(decodes! + 1);
    expect(chosen!.plan.pools[0]!.replicas).toBeLessThanOrEqual(prefills!);
  });
});
