// Goal: the example deployments name models and devices that are known, fit, and run. Method: each is priced and serves a few requests.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deploymentRuns } from "../../simulate/deployment/deployment-ensemble.ts";
import { generateColumns } from "../../simulate/workload/generate/generate-columns.ts";
import { openDeployment, priceDeployment } from "./open-deployment.ts";

const FOLDER = "examples/deployments";
const EXAMPLES = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));

describe("example deployments", () => {
  it.each(EXAMPLES)("%s serves", (name) => {
    const { deployment, architecture, pools } = openDeployment(join(FOLDER, name));
    const requests = generateColumns("poisson:rate=2,prompt=100-2000,output=5-50,seconds=10");
    const { figures } = [...deploymentRuns({ deployment, architecture, pools, requests }, { runs: 1, seed: 1 })][0]!;
    expect(figures.requests).toEqual({ finished: requests.count, rejected: 0, unfinished: 0 });
    expect(figures.tpot.mean).toBeGreaterThan(1e6);
    expect(figures.tpot.mean).toBeLessThan(1e8);
  });

  it("are priced by what a device is built of where that is asked for, with intervals of its own", () => {
    const path = join(FOLDER, "llama-8b-l40s.yaml");
    const [sheet] = openDeployment(path, { operators: "sheet" }).pools;
    const [tile] = openDeployment(path, { operators: "tile" }).pools;
    expect(tile!.cost.source).toContain("tiles over its cores");
    expect(sheet!.cost.source).not.toContain("tiles");
    expect(tile!.cost.spread).toBeGreaterThan(sheet!.cost.spread);
    const shape = {
      prefills: 0,
      prefillTokens: 0,
      prefillContext: 0,
      prefillSquares: 0,
      decodes: 8,
      decodeContext: 8000,
      decodeContextMax: 1000,
    };
    const ratio = tile!.cost.iterationNs(shape) / sheet!.cost.iterationNs(shape);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
    expect(ratio).not.toBe(1);
    const measured = openDeployment(join(FOLDER, "llama-70b-h100.yaml"), { operators: "tile" }).pools[0]!;
    expect(measured.cost.spread).toBeGreaterThan(
      openDeployment(join(FOLDER, "llama-70b-h100.yaml"), { operators: "sheet" }).pools[0]!.cost.spread,
    );
  });

  it("name the figure of the sheet that tiles need", () => {
    const { deployment } = openDeployment(join(FOLDER, "llama-8b-l40s.yaml"));
    const bare = { ...deployment, pools: deployment.pools.map((pool) => ({ ...pool, device: "gaudi-3" })) };
    expect(() => priceDeployment(bare, ".", { operators: "tile" })).toThrow(/cores\.clockHz/);
  });

  it("are not all of one kind", () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(4);
  });
});
