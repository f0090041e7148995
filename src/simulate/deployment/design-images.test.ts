// Goal: the fleets that a search buys for prompts with images are those that a simulation of every request finds good enough, and no cheaper one is. Method: a search on
// one device, every cheaper fleet of its designs simulated too; designs priced as the pools that are simulated; images over a fabric at rates by hand.
import { describe, expect, it } from "vitest";
import { linearProblem } from "../../../test/support/linear-iterations.ts";
import { must } from "../../base/assert.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { canBuy, type FleetPlan, fleetPlan } from "../../plan/slo/fleet-plan.ts";
import { planDeployment } from "../../plan/slo/plan-deployment.ts";
import { planForSlo } from "../../plan/slo/plan-for-slo.ts";
import type { ReplicaDesign, SloProblem } from "../../plan/slo/slo-problem.ts";
import { verifyPlans } from "../../plan/slo/verify-plans.ts";
import { profileWorkload } from "../../plan/slo/workload-profile.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readNetwork } from "../fabric/read-fabric.ts";
import { withImageTokens } from "../workload/columns/image-columns.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { designPricer } from "./design-pricer.ts";
import { encodesElsewhere } from "./pool-encoder.ts";
import { pricePool } from "./price-pool.ts";
import { requestSizes } from "./request-sizes.ts";
import { simulatePlan } from "./simulate-plan.ts";

const architecture = knownArchitecture("Qwen3-VL-4B")!;
const sheet = deviceSheet("l40s");
const SHEETS = new Map([["l40s", sheet]]);
const requests = withImageTokens(
  generateColumns("poisson:rate=14,prompt=300,output=60,seconds=20,seed=1,images=1-4,sizes=1280x720"),
  architecture,
);

function problem(): SloProblem {
  const base = linearProblem();
  return {
    ...base,
    model: "Qwen3-VL-4B",
    workload: profileWorkload(requestSizes(requests)),
    target: { ttftNs: 1.5e9, tpotNs: 3e7, percentile: 0.9 },
    fleets: [{ name: "l40s", devices: [{ device: "l40s", count: 8, dollarsPerHour: 0.9 }] }],
    transfer: { bandwidthBytesPerSecond: 2.5e10, latencyNs: 1e5 },
    choices: {
      ...base.choices,
      tensor: [1],
      devicesMax: 1,
      maxBatchedTokens: [4096],
      split: true,
      images: { apart: true },
      engine: { ...base.choices.engine, prefixCaching: true },
    },
    price: designPricer(architecture, SHEETS),
  };
}

function poolsOf(deployment: ReturnType<typeof planDeployment>) {
  return deployment.pools.map((pool, i) => {
    const made = pricePool(pool, i, { architecture, sheet, imagesApart: encodesElsewhere(pool, deployment) });
    return must(made.ok ? made.value : undefined, "a plan has a price");
  });
}

function simulated(of: SloProblem, plan: FleetPlan) {
  const deployment = planDeployment(of, plan);
  return simulatePlan({ deployment, architecture, pools: poolsOf(deployment), requests, target: of.target, seed: 1, errorQuantile: 0.5 });
}

describe("fleets for prompts with images", () => {
  const asked = problem();
  const found = planForSlo(asked);
  const plans = found.ok ? found.value.plans : [];

  it("are the cheapest that keep the target when they are simulated, and none that is cheaper does", async () => {
    const { chosen } = await verifyPlans(asked, plans, { simulate: async (plan) => simulated(asked, plan), simulationsMax: 40 });
    expect(chosen!.simulated.met).toBe(true);
    const { dollarsPerHour } = chosen!.plan;
    const cheaper = plans.flatMap((plan) => fewerOf(asked, plan)).filter((plan) => plan.dollarsPerHour < dollarsPerHour - 1e-9);
    expect(cheaper.length).toBeGreaterThan(3);
    for (const plan of cheaper) expect(simulated(asked, plan).met).toBe(false);
    // What is planned is a deployment that may be read, and simulated by itself.
    const deployment = planDeployment(asked, chosen!.plan);
    expect(readDeployment(JSON.stringify(deployment)).deployment).toEqual(deployment);
  });

  it("take about as long as closed forms say", () => {
    // Encoders beside prompts, and before them. Prefill replicas are each a queue of its own to them, which routing to the least loaded is not.
    for (const roles of ["both", "encode+both"]) {
      const plan = plans.find(({ pools }) => pools.map(({ capacity }) => capacity.design.role).join("+") === roles)!;
      const times = simulated(asked, plan);
      for (const ratio of [plan.ttftNs / times.ttftNs, plan.tpotNs / times.tpotNs]) {
        expect(ratio).toBeGreaterThan(0.8);
        expect(ratio).toBeLessThan(1.25);
      }
    }
  });

  it("have designs priced as their pools are, and room for what comes", () => {
    const plan = plans.find(({ pools }) => pools[0]!.capacity.design.role === "encode")!;
    const batch = {
      ...emptyBatch(),
      prefills: 1,
      prefillTokens: 900,
      vision: { images: 2, patches: 7200, patchSquares: 2 * 3600 ** 2, tokens: 1800 },
    };
    for (const [i, priced] of poolsOf(planDeployment(asked, plan)).entries()) {
      const { replica, design } = plan.pools[i]!.capacity;
      expect(replica.cost.iterationNs(batch)).toBe(priced.cost.iterationNs(batch));
      expect(replica.kvTokens).toBe(priced.budget.kvBlocks * design.engine.blockTokens);
      // Qwen3-VL hands on 2,560 elements and taps three layers.
      expect(replica.imageBytesPerToken).toBe(4 * 2560 * 2);
    }
  });

  it("send images over a fabric at what is narrowest on the way to another machine", () => {
    const rate = (spine: number): number => {
      const network = readNetwork(
        `fabric: { kind: leaf-spine, leaves: 2, devicesPerLeaf: 8, spines: 1, cardBytesPerSecond: 25 GB/s, spineBytesPerSecond: ${spine} GB/s }\n`,
      );
      const design: ReplicaDesign = plans.find(({ pools }) => pools[0]!.capacity.design.role === "encode")!.pools[0]!.capacity.design;
      const priced = designPricer(architecture, SHEETS, { fabric: { network, counts: new Map([["l40s", 16]]) } })(
        { ...design, parallel: { ...design.parallel, tensor: 2 } },
        {},
      );
      return priced.ok ? priced.value.kvBytesPerSecond! : expect.unreachable(priced.error.detail);
    };
    expect([rate(400), rate(40)]).toEqual([50e9, 40e9]);
  });
});

/** The plan with every smaller number of replicas. */
function fewerOf(of: SloProblem, { fleet, pools }: FleetPlan): FleetPlan[] {
  const counts = pools.reduce<number[][]>(
    (all, { replicas }) => all.flatMap((before) => Array.from({ length: replicas }, (_, i) => [...before, i + 1])),
    [[]],
  );
  return counts.flatMap((replicas) => {
    const fewer = pools.map((pool, i) => ({ ...pool, replicas: replicas[i]! }));
    return canBuy(of, fleet, fewer) ? [fleetPlan(of, fleet, fewer)] : [];
  });
}
