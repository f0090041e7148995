// Goal: a search's designs stand on the fabric that its plans are simulated on: priced as in the fullest fleet, with the rate at which KV comes, and fleets that
// have no room there are not bought. Method: rates and machines counted by hand; prices against those of a pool placed by itself; sensitivities against a re-run.
import { describe, expect, it } from "vitest";
import { evenWorkload, linearProblem } from "../../../test/support/linear-iterations.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { completeDeployment } from "../../plan/deployment/deployment-file.ts";
import { canBuy } from "../../plan/slo/fleet-plan.ts";
import { planDeployment } from "../../plan/slo/plan-deployment.ts";
import { planForSlo } from "../../plan/slo/plan-for-slo.ts";
import { planRate, sensitivities } from "../../plan/slo/sensitivity.ts";
import type { ReplicaDesign, SloProblem } from "../../plan/slo/slo-problem.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readNetwork } from "../fabric/read-fabric.ts";
import { fabricFit } from "./design-fabric.ts";
import { designPricer } from "./design-pricer.ts";
import { placeOnFabric } from "./fabric-place.ts";
import { iterationsCost } from "./price-pool.ts";

const architecture = knownArchitecture("DeepSeek-V3")!;
const sheet = deviceSheet("h100-sxm");
const SHEETS = new Map([["h100-sxm", sheet]]);
/** Machines of 8 under a leaf each; a leaf sends `spine` GB/s of its cards' 400. */
const leaves = (count: number, spine: number, card = 50, machines = 1) =>
  readNetwork(
    `fabric: { kind: leaf-spine, leaves: ${count}, devicesPerLeaf: ${8 * machines}, spines: 1, cardBytesPerSecond: ${card} GB/s, spineBytesPerSecond: ${spine} GB/s }\n`,
  );
const poolOf = (parallel: Partial<ReplicaDesign["parallel"]>, role: ReplicaDesign["role"], replicas = 1) =>
  completeDeployment({
    version: 1,
    model: "DeepSeek-V3",
    pools: [{ device: "h100-sxm", role, replicas, parallel, precision: { weights: "f8e4m3" } }],
  }).deployment.pools[0]!;
const design = (parallel: Partial<ReplicaDesign["parallel"]>, role: ReplicaDesign["role"] = "both"): ReplicaDesign => {
  const { device, parallel: cut, precision, engine } = poolOf(parallel, role);
  return { device, role, parallel: cut, precision, engine };
};
const pricer = (network: ReturnType<typeof leaves>) =>
  designPricer(architecture, SHEETS, { fabric: { network, counts: new Map([["h100-sxm", 64]]) } });
const E16 = { data: 16, expert: 16 };
const BATCH = {
  prefills: 0,
  prefillTokens: 0,
  prefillContext: 0,
  prefillSquares: 0,
  decodes: 2048,
  decodeContext: 2048 * 500,
  decodeContextMax: 500,
};

describe("designs on a fabric", () => {
  it("are priced as in the fullest fleet that the offer and the machines allow", () => {
    // Of replicas of two machines under leaves of three the first is alone under one, the second goes over the spine.
    const network = leaves(4, 100, 50, 3);
    const priced = pricer(network)(design(E16), {});
    const made = priced.ok ? priced.value.cost.iterationNs(BATCH) : expect.unreachable(priced.error.detail);
    const alone = (replicas: number): number => {
      const pool = poolOf(E16, "both", replicas);
      const pools = placeOnFabric(network, [{ pool, sheet }]);
      const cost = iterationsCost(pool, { architecture, sheet, fabric: { topology: network.topology, pools, pool: 0 } });
      return cost.ok ? cost.value.iterationNs(BATCH) : expect.unreachable(cost.error.code);
    };
    // 64 devices are four replicas of two machines.
    expect(made).toBe(alone(4));
    expect(alone(4)).toBeGreaterThan(1.05 * alone(1));
    const cards = designPricer(architecture, SHEETS)(design(E16), {});
    expect(made).toBeGreaterThan(1.05 * (cards.ok ? cards.value.cost.iterationNs(BATCH) : 0));
  });

  it("get KV from another machine at what is narrowest on the way", () => {
    const rate = (spine: number, role: ReplicaDesign["role"] = "decode") => {
      const priced = pricer(leaves(16, spine))(design(E16, role), {});
      return priced.ok ? priced.value.kvBytesPerSecond : expect.unreachable(priced.error.detail);
    };
    expect(rate(100)).toBeCloseTo(100e9, -3);
    // 8 cards send.
    expect(rate(400)).toBeCloseTo(400e9, -3);
    expect([rate(100, "both"), rate(100, "prefill")]).toEqual([undefined, undefined]);
  });

  it("are refused where there are too few machines, fleets are not bought, and other machines are an error", () => {
    const code = (machines: number, role: ReplicaDesign["role"]) => {
      const priced = pricer(leaves(machines, 100))(design(E16, role), {});
      return priced.ok ? "fits" : priced.error.code;
    };
    expect([code(1, "both"), code(2, "both"), code(2, "decode"), code(3, "decode")]).toEqual([
      "does-not-fit",
      "fits",
      "does-not-fit",
      "fits",
    ]);
    const fits = fabricFit(leaves(4, 100), SHEETS);
    const pools = (...replicas: [Partial<ReplicaDesign["parallel"]>, number][]) =>
      replicas.map(([parallel, count]) => ({ design: design(parallel), replicas: count }));
    // Two machines for eight replicas of two devices, and one each for the rest.
    expect(fits(pools([{ tensor: 2 }, 8], [E16, 1]))).toBe(true);
    expect(fits(pools([{ tensor: 2 }, 9], [E16, 1]))).toBe(false);
    const rails = readNetwork(
      "fabric: { kind: rails, nodes: 4, devicesPerNode: 4, nodesPerGroup: 4, spinesPerRail: 1, scaleUpBytesPerSecond: 450 GB/s, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: 50 GB/s }\n",
    );
    expect(() => fabricFit(rails, SHEETS)).toThrow(/machines of 4 devices; h100-sxm has 8/);
  });

  it("are searched: plans name the fabric, stay on it, and say what twice its links would give", () => {
    const problem = (network: ReturnType<typeof leaves>): SloProblem => {
      const base = linearProblem();
      const { engine, precision } = design(E16);
      return {
        ...base,
        model: "DeepSeek-V3",
        workload: evenWorkload(4, 2000, 200),
        target: { ttftNs: 5e9, tpotNs: 1e8, percentile: 0.9 },
        fleets: [{ name: "h100", devices: [{ device: "h100-sxm", count: 64, dollarsPerHour: 2 }] }],
        choices: { ...base.choices, tensor: [1], data: [16], experts: true, precisions: [precision], devicesMax: 16, split: true, engine },
        price: pricer(network),
        transfer: { latencyNs: 20_000 },
        fabric: { path: "f.yaml", fits: fabricFit(network, SHEETS) },
      };
    };
    const narrow = problem(leaves(6, 40));
    const found = planForSlo(narrow);
    const plans = found.ok ? found.value.plans : expect.unreachable(found.error.detail);
    const whole = plans.find(({ pools }) => pools.length === 1)!;
    const bought = (replicas: number) => canBuy(narrow, narrow.fleets[0]!, [{ capacity: whole.pools[0]!.capacity, replicas }]);
    // Six machines, though 64 devices are on offer.
    expect([bought(3), bought(4)]).toEqual([true, false]);
    const split = plans.find(({ pools }) => pools.length === 2)!;
    expect(planDeployment(narrow, split)).toMatchObject({ fabric: "f.yaml", kvTransfer: { latencyNs: 20_000, layerwise: false } });
    const gain = sensitivities(narrow, split, { factor: 2, research: false }).find(({ knob }) => knob === "fabric")!;
    // The second run knows nothing of factors: a fabric of twice the rates.
    expect(gain.rateAfter).toBeCloseTo(planRate(problem(leaves(6, 80, 100)), split), 6);
    expect(gain.rateAfter).toBeGreaterThan(1.05 * gain.rateBefore);
  });
});
