// Goal: a deployment with feed-forwards on devices of their own runs end to end, paid for on both sides. Method: a mixture on unlike devices against figures by hand,
// leaps against single iterations, and what cannot be priced refused by name.
import { describe, expect, it } from "vitest";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { parseChange } from "../../plan/deployment/change.ts";
import { changeDeployment } from "../../plan/deployment/change-deployment.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { runServing } from "../serving/run-serving.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { deploymentRuns } from "./deployment-ensemble.ts";
import { type DeploymentRun, servingInputOf } from "./deployment-run.ts";
import { pricePool } from "./price-pool.ts";
import { deviceCount } from "./run-figures.ts";

const LINK = "link: { bandwidthBytesPerSecond: 2.5e+10, latencyNs: 15000 }";
const TEXT = `version: 1\nmodel: Qwen3-30B-A3B\npools:\n  - { name: a, device: h100-sxm, replicas: 2, parallel: { data: 2 }, engine: { name: heddle, maxSequences: 32 }, ffn: { device: l40s, parallel: { expert: 4 }, ${LINK} } }\n`;
const LOAD = "poisson:rate=20,prompt=100-900,output=5-80,seconds=8,seed=2";

function runOf(...changes: readonly string[]): DeploymentRun {
  const { deployment } = changeDeployment(readDeployment(TEXT).deployment, changes.map(parseChange));
  const architecture = knownArchitecture(deployment.model)!;
  const pools = deployment.pools.map((pool, i) => {
    const ffn = pool.ffn && { sheet: deviceSheet(pool.ffn.device) };
    const priced = pricePool(pool, i, { architecture, sheet: deviceSheet(pool.device), ...(ffn && { ffn }) });
    if (!priced.ok) throw new TypeError(`${priced.error.code} ${iterationFaultText(priced.error)}`);
    return priced.value;
  });
  return { deployment, architecture, pools, requests: generateColumns(LOAD) };
}

describe("a deployment with feed-forwards on devices of their own", () => {
  it("decides the same leaping and one by one, and ends every request", () => {
    const run = runOf();
    const [leap, unit] = (["leap", "unit"] as const).map((stepping) => runServing(servingInputOf(run, { seed: 1, stepping })));
    expect(unit!.hash).toBe(leap!.hash);
    expect(leap!.lastTokenNs.every((ns) => ns > 0)).toBe(true);
    expect(leap!.hash).not.toBe(runServing(servingInputOf(runOf("pools.a.ffn.microBatches=1"), { seed: 1 })).hash);
  });

  it("pays for the devices of both sides", () => {
    const run = runOf();
    expect(deviceCount(run)).toBe(2 * (2 + 4));
    const [first] = [...deploymentRuns(run, { runs: 1, seed: 1 })];
    const { figures, outcome } = first!;
    const price = (id: string): number => deviceSheet(id).dollarsPerHour!.value;
    const hours = figures.lastingNs / 3.6e12;
    let tokens = 0;
    for (let i = 0; i < run.requests.count; i++) if (outcome.lastTokenNs[i]! > 0) tokens += run.requests.outputTokens[i]!;
    const dollars = 2 * hours * (2 * price("h100-sxm") + 4 * price("l40s"));
    expect(figures.dollarsPerMillionOutputTokens).toBeCloseTo((dollars / tokens) * 1e6, 6);
  });

  it("has room for KV on attention's devices alone", () => {
    const blocks = (...changes: readonly string[]): number => runOf(...changes).pools[0]!.budget.kvBlocks;
    const apart = blocks();
    expect(blocks("pools.a.ffn=null")).toBeLessThan(apart);
    // 29 billion of 30.5 billion parameters leave, half of them from each of two devices; larger FFN devices change nothing.
    expect(blocks("pools.a.ffn.device=h200-sxm")).toBe(apart);
    expect(blocks("pools.a.device=h200-sxm")).toBeGreaterThan(apart);
  });

  it("is refused by name where it has no room, no link or no such cut", () => {
    const fault = (...changes: readonly string[]): string => {
      try {
        runOf(...changes);
      } catch (thrown) {
        return (thrown as Error).message;
      }
      return "none";
    };
    expect(fault("pools.a.ffn.parallel.expert=1")).toContain("does-not-fit feed-forwards on the FFN side");
    expect(fault("pools.a.ffn.link=null")).toMatch(/no-basis .*network card.*ffn\.link/);
    expect(fault("pools.a.ffn.parallel.expert=256")).toContain("128 experts over 256 expert ranks");
    expect(fault("pools.a.parallel.expert=2")).toContain("the experts are on the FFN side");
    expect(fault("pools.a.parallel.pipeline=2")).toContain("pipeline stages beside FFN devices");
    expect(fault("pools.a.ffn.microBatches=0")).toMatch(/ffn\.microBatches/);
    expect(fault("pools.a.role=attention")).toContain("one pool with `ffn`");
  });
});
