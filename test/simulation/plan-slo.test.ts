// Closed forms, search and simulation together, on replicas of straight lines: how far the closed forms are from the simulation, and that the search with
// the simulation in its loop is as cheap as simulating every fleet there is.
import { describe, expect, it } from "vitest";
import type { FleetPlan } from "../../src/plan/slo/fleet-plan.ts";
import { fleetPlan } from "../../src/plan/slo/fleet-plan.ts";
import { planDeployment } from "../../src/plan/slo/plan-deployment.ts";
import { planForSlo, type SloSearch } from "../../src/plan/slo/plan-for-slo.ts";
import type { SloProblem } from "../../src/plan/slo/slo-problem.ts";
import { steadyState } from "../../src/plan/slo/steady/design-capacity.ts";
import { type SimulatedPlan, verifyPlans } from "../../src/plan/slo/verify-plans.ts";
import { profileWorkload } from "../../src/plan/slo/workload-profile.ts";
import { requestSizes } from "../../src/simulate/deployment/request-sizes.ts";
import { runServing } from "../../src/simulate/serving/run-serving.ts";
import type { RequestColumns, ServingOutcome } from "../../src/simulate/serving/serving-input.ts";
import { generateColumns } from "../../src/simulate/workload/generate/generate-columns.ts";
import { linearProblem } from "../support/linear-iterations.ts";

const REQUESTS = generateColumns("poisson:rate=20,prompt=lognormal:1000:0.7,output=lognormal:200:0.7,seconds=300,seed=5");

function problemOf(requests: RequestColumns, changes: Partial<SloProblem> = {}): SloProblem {
  return linearProblem({ workload: profileWorkload(requestSizes(requests)), ...changes });
}

/** Runs by their deployments, which say all that differs between them: targets are of the looking, not of the run. */
const outcomes = new Map<string, ServingOutcome>();

function simulated(problem: SloProblem, requests: RequestColumns, plan: FleetPlan): SimulatedPlan {
  const deployment = planDeployment(problem, plan);
  const replicas = deployment.pools.flatMap((pool, index) =>
    Array.from({ length: pool.replicas }, () => ({
      pool: index,
      role: "both" as const,
      cost: plan.pools[index]!.capacity.replica.cost,
      maxBatchedTokens: pool.engine.maxBatchedTokens,
      maxSequences: pool.engine.maxSequences,
      blockTokens: pool.engine.blockTokens,
      kvBlocks: pool.engine.kvBlocks!,
      prefixCaching: false,
      chunkedPrefill: true,
      overheadNs: 0,
      startUpNs: 0,
    })),
  );
  const key = JSON.stringify(deployment);
  const outcome = outcomes.get(key) ?? runServing({ requests, replicas, routing: "least-loaded", seed: 1, stepping: "leap" });
  outcomes.set(key, outcome);
  const { target } = problem;
  const ttft: number[] = [];
  const tpot: number[] = [];
  let kept = 0;
  for (let i = 0; i < requests.count; i++) {
    const first = outcome.firstTokenNs[i]! - outcome.queuedNs[i]!;
    const further = requests.outputTokens[i]! - 1;
    const each = further === 0 ? 0 : (outcome.lastTokenNs[i]! - outcome.firstTokenNs[i]!) / further;
    ttft.push(first);
    tpot.push(each);
    if (first <= target.ttftNs && each <= target.tpotNs) kept++;
  }
  const at = (values: number[]): number => values.sort((a, b) => a - b)[Math.ceil(target.percentile * values.length) - 1]!;
  const attained = kept / requests.count;
  return { ttftNs: at(ttft), tpotNs: at(tpot), attained, cachedShare: 0, met: attained >= target.percentile };
}

function searched(problem: SloProblem): SloSearch {
  const found = planForSlo(problem);
  if (!found.ok) throw new TypeError(found.error.detail);
  return found.value;
}

describe("closed forms", () => {
  it("are within 20 % of the simulation in time per token, and within a factor of 1.5 in time to first token", () => {
    const problem = problemOf(REQUESTS);
    const { capacities } = searched(problem);
    let seen = 0;
    for (const capacity of capacities) {
      const fleet = problem.fleets.find(({ devices }) => devices[0]!.device === capacity.design.device)!;
      for (const load of [0.5, 0.8]) {
        const replicas = Math.round(20 / (capacity.rate * load));
        // Near its largest rate a queue's length is chance.
        if (replicas < 1 || replicas > 12 || 20 / replicas > 0.9 * capacity.rate) continue;
        const plan = fleetPlan(problem, fleet, [{ capacity, replicas }]);
        const state = steadyState(problem, capacity.replica, capacity.design, 20 / replicas);
        const actual = simulated(problem, REQUESTS, plan);
        expect(Math.abs(state.tpotNs / actual.tpotNs - 1)).toBeLessThan(0.2);
        expect(state.ttftNs / actual.ttftNs).toBeGreaterThan(1 / 1.5);
        expect(state.ttftNs / actual.ttftNs).toBeLessThan(1.5);
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(6);
  });
});

describe("search with the simulation in its loop", () => {
  it.each([
    { name: "loose", target: { ttftNs: 1e9, tpotNs: 4e7, percentile: 0.9 } },
    { name: "tight", target: { ttftNs: 4e8, tpotNs: 2.2e7, percentile: 0.9 } },
  ])("is within 3 % of simulating every fleet ($name target)", async ({ target }) => {
    const problem = problemOf(REQUESTS, { target });
    const { plans, capacities } = searched(problem);
    const { chosen } = await verifyPlans(problem, plans, {
      simulationsMax: 40,
      simulate: async (plan) => simulated(problem, REQUESTS, plan),
    });
    // Every design in every number of replicas that is cheaper than what was found.
    let least = chosen!.plan.dollarsPerHour;
    for (const capacity of capacities) {
      const fleet = problem.fleets.find(({ devices }) => devices[0]!.device === capacity.design.device)!;
      for (let replicas = 1; replicas <= 64; replicas++) {
        const plan = fleetPlan(problem, fleet, [{ capacity, replicas }]);
        if (plan.dollarsPerHour >= least) break;
        // Half of what it carries at most keeps no target whatever the simulation says.
        if (plan.rate < 10) continue;
        if (simulated(problem, REQUESTS, plan).met) least = plan.dollarsPerHour;
      }
    }
    expect(chosen!.simulated.met).toBe(true);
    expect(chosen!.plan.dollarsPerHour / least).toBeLessThanOrEqual(1.03);
  });
});
