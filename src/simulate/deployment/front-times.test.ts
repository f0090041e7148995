// Goal: what a client waits for an engine's front end is in TTFT and end to end, and in nothing else. Method: requests in flight counted by hand, closed
// loops as the front end was fitted on, and the same run taken at both places.
import { describe, expect, it } from "vitest";
import { frontTimeNs } from "../../cost/iteration/engines/engine-constants.ts";
import { FITTED_ENGINES } from "../../cost/iteration/engines/fitted-engines.ts";
import { frontTimeOf } from "../../cost/iteration/engines/front-time.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { deploymentFigures, deploymentRuns, type EnsembleOptions } from "./deployment-ensemble.ts";
import type { DeploymentRun } from "./deployment-run.ts";
import { frontTimes, measuredAtOf, type TakingPool } from "./front-times.ts";
import { pricePool } from "./price-pool.ts";
import { simulatePlan } from "./simulate-plan.ts";
import { whatIfRows } from "./what-if.ts";

const engine = (name: TakingPool["engine"]["name"], role: TakingPool["role"] = "both"): TakingPool => ({
  name: "a",
  role,
  engine: { name },
});

function runOf(name: string, workload: string): DeploymentRun {
  const { deployment } = readDeployment(
    `version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: l40s, replicas: 2, engine: { name: ${name} } }\n`,
  );
  const architecture = knownArchitecture(deployment.model)!;
  const pools = deployment.pools.map((pool, i) => {
    const priced = pricePool(pool, i, { architecture, sheet: deviceSheet(pool.device) });
    return priced.ok ? priced.value : expect.unreachable(priced.error.code);
  });
  return { deployment, architecture, pools, requests: generateColumns(workload) };
}

const LOAD = "poisson:rate=6,prompt=100-900,output=5-80,seconds=8,seed=2";
const first = (run: DeploymentRun, options: Partial<EnsembleOptions>) => [...deploymentRuns(run, { runs: 1, seed: 1, ...options })][0]!;

describe("a front end", () => {
  it("takes longer with each request of its replica in flight", () => {
    const { pools, architecture } = runOf("sglang", LOAD);
    const { ns, nsInFlight } = frontTimeOf("sglang", { mixture: false })!;
    // Two come together; one when both are there; one when all have ended; one elsewhere; one that nobody takes.
    const outcome = {
      queuedNs: Float64Array.of(0, 0, 5, 100, 50, 60),
      lastTokenNs: Float64Array.of(90, 95, 99, 200, 70, -1),
      replica: Int32Array.of(0, 0, 0, 0, 1, -1),
    };
    const waits = [2, 2, 3, 1, 1].map((inFlight) => ns + inFlight * nsInFlight);
    expect([...frontTimes({ pools, architecture }, outcome, { errorQuantile: 0.5 })]).toEqual([...waits, 0]);
    const slow = frontTimes({ pools, architecture }, outcome, { errorQuantile: 0.95 });
    const experts = frontTimes({ pools, architecture: knownArchitecture("DeepSeek-V3")! }, outcome, { errorQuantile: 0.5 });
    expect(experts[3]! - waits[3]!).toBe(FITTED_ENGINES.sglang.frontMixtureNs);
    expect(slow[3]! / waits[3]!).toBeCloseTo(1 + frontTimeOf("sglang", { mixture: false })!.spread, 3);
  });

  it.each(["vllm", "sglang", "trtllm"] as const)("of %s is the one fitted on closed loops of so many clients", (name) => {
    // One replica has half of the clients.
    const { figures } = first(runOf(name, "closed:clients=8,requests=40,prompt=300,output=40"), { measuredAt: "client" });
    expect(figures.front!.mean).toBeCloseTo(frontTimeNs(FITTED_ENGINES[name], { clients: 4, mixture: false }), -5);
  });

  it("is in TTFT, end to end and what limits are held against, not in times per token, rates and decisions", () => {
    const run = runOf("sglang", LOAD);
    const objective = { ttftNs: 70e6, share: 0.9 };
    const at = { engine: first(run, { objective }), client: first(run, { objective, measuredAt: "client" }) };
    const { front, ttft, e2e, goodShare, goodPerSecond, ...others } = at.client.figures;
    const { ttft: engineTtft, e2e: engineE2e, goodShare: _share, goodPerSecond: _rate, ...engineOthers } = at.engine.figures;
    expect(others).toEqual(engineOthers);
    expect(at.client.outcome.hash).toBe(at.engine.outcome.hash);
    expect(ttft.mean).toBeCloseTo(engineTtft.mean + front!.mean, 0);
    expect(e2e.mean).toBeCloseTo(engineE2e.mean + front!.mean, 0);
    // The front end alone takes longer than the limit.
    expect(goodShare).toBe(0);
    expect(at.engine.figures.goodShare).toBeGreaterThan(0.2);
    expect(at.engine.figures.front).toBeUndefined();
  });

  it("errs on its own from run to run, as widely as is stated", () => {
    const figures = [
      ...deploymentRuns(runOf("vllm", LOAD.replace("seconds=8", "seconds=2")), { runs: 41, seed: 4, measuredAt: "client" }),
    ].map((run) => run.figures);
    const { front } = deploymentFigures(figures);
    const factor = 1 + frontTimeOf("vllm", { mixture: false })!.spread;
    expect(front!.p50.high / front!.p50.value).toBeGreaterThan(factor / 1.5);
    expect(front!.p50.high / front!.p50.value).toBeLessThan(factor * 1.5);
    const slow = (pick: (run: (typeof figures)[number]) => number): number[] => {
      const middle = figures.map(pick).sort((a, b) => a - b)[20]!;
      return figures.flatMap((run, i) => (pick(run) > middle ? [i] : []));
    };
    // Slow prices and slow front ends are not those of the same runs.
    const both = slow(({ front: own }) => own!.p50).filter((i) => slow(({ tpot }) => tpot.mean).includes(i)).length;
    expect(both).toBeGreaterThan(2);
    expect(both).toBeLessThan(18);
  });

  it("is in what a plan is held against, and not where times are the engine's", () => {
    const run = runOf("sglang", LOAD);
    const target = { ttftNs: 1e9, tpotNs: 1e9, percentile: 0.9 };
    const plan = (measuredAt: "client" | "engine") => simulatePlan({ ...run, target, seed: 1, errorQuantile: 0.5, measuredAt });
    expect(plan("client").ttftNs - plan("engine").ttftNs).toBeGreaterThan(frontTimeOf("sglang", { mixture: false })!.ns);
    expect(plan("client").tpotNs).toBe(plan("engine").tpotNs);
  });

  it("is compared with what a client measured", () => {
    const runs = [first(runOf("sglang", LOAD), { measuredAt: "client" }).figures];
    const row = whatIfRows(runs, runs, undefined).find(({ name }) => name === "TTFT p50")!;
    expect(row.before.value).toBe(runs[0]!.ttft.p50);
    expect(row.before.value).toBeGreaterThan(frontTimeOf("sglang", { mixture: false })!.ns);
  });
});

describe("the place of times", () => {
  it("is the client where all engines that take requests have a front end, unless the engine is asked for", () => {
    expect(measuredAtOf([engine("vllm"), engine("trtllm")], undefined)).toBe("client");
    expect(measuredAtOf([engine("vllm", "prefill"), engine("heddle", "decode")], undefined)).toBe("client");
    expect(measuredAtOf([engine("vllm"), engine("heddle")], undefined)).toBe("engine");
    expect(measuredAtOf([engine("vllm")], "engine")).toBe("engine");
    expect(() => measuredAtOf([engine("vllm"), engine("heddle")], "client")).toThrow(/no-basis|heddle/);
  });
});
