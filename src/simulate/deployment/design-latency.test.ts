// Goal: closed forms of a replica tell the latencies that a simulation of every request finds, by each engine's own rules. Method: one design on one device, a
// light and a heavy load of Poisson arrivals; without iterations formed ahead and prompts of their own the same forms are off by more than is let through
// (`without`), one fault planted.
import { describe, expect, it } from "vitest";
import { linearProblem } from "../../../test/support/linear-iterations.ts";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import type { EngineSettings } from "../../plan/deployment/deployment.ts";
import { fleetPlan } from "../../plan/slo/fleet-plan.ts";
import { planDeployment } from "../../plan/slo/plan-deployment.ts";
import type { ReplicaDesign, ReplicaModel, SloProblem } from "../../plan/slo/slo-problem.ts";
import { designCapacity, steadyState } from "../../plan/slo/steady/design-capacity.ts";
import { profileWorkload } from "../../plan/slo/workload-profile.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { designPricer } from "./design-pricer.ts";
import { pricePool } from "./price-pool.ts";
import { requestSizes } from "./request-sizes.ts";
import { simulatePlan } from "./simulate-plan.ts";

const architecture = knownArchitecture("Llama-3.1-8B")!;
const sheet = deviceSheet("l40s");
const price = designPricer(architecture, new Map([["l40s", sheet]]));

function compared(name: EngineSettings["name"], rate: number) {
  const requests = generateColumns(`poisson:rate=${rate},prompt=300-1500,output=100-300,seconds=90,seed=4`);
  const base = linearProblem();
  const engine = { ...base.choices.engine, name, maxBatchedTokens: 4096 };
  const problem: SloProblem = {
    ...base,
    workload: profileWorkload(requestSizes(requests)),
    target: { ttftNs: 1e12, tpotNs: 1e12, percentile: 0.9 },
  };
  const parallel = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };
  const design: ReplicaDesign = { device: "l40s", role: "both", parallel, precision: { weights: "bf16", kv: "bf16" }, engine };
  const priced = price(design, {});
  const replica: ReplicaModel = must(priced.ok ? priced.value : undefined, "has a price");
  const capacity = designCapacity(problem, replica, design);
  if (capacity.rate === undefined) throw new TypeError(capacity.limit);
  const deployment = planDeployment(problem, fleetPlan(problem, problem.fleets[0]!, [{ capacity, replicas: 1 }]));
  const made = pricePool(deployment.pools[0]!, 0, { architecture, sheet });
  const pools = [must(made.ok ? made.value : undefined, "has a price")];
  const simulated = simulatePlan({ deployment, architecture, pools, requests, target: problem.target, seed: 1, errorQuantile: 0.5 });
  const ratios = (of: ReplicaModel) => {
    const { ttftNs, tpotNs } = steadyState(problem, of, design, problem.workload.meanRate);
    return { ttft: ttftNs / simulated.ttftNs, tpot: tpotNs / simulated.tpotNs };
  };
  return { as: ratios(replica), without: ratios({ ...replica, stepsAhead: 0, promptsApart: false }) };
}

describe("closed forms of prompts among decodes", () => {
  it.each([
    ["vllm", 1],
    ["vllm", 4],
    ["sglang", 1],
    ["sglang", 4],
    ["trtllm", 4],
  ] as const)("%s at %s requests/s", (engine, rate) => {
    const { as, without } = compared(engine, rate);
    expect(Math.abs(as.ttft - 1)).toBeLessThan(0.1);
    expect(Math.abs(as.tpot - 1)).toBeLessThan(0.1);
    expect(without.ttft).toBeLessThan(0.9);
  });
});
