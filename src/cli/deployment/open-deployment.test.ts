// Goal: the example deployments name models and devices that are known, fit, and run. Method: each is priced and serves a few requests.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deploymentRuns } from "../../simulate/deployment/deployment-ensemble.ts";
import { generateColumns } from "../../simulate/workload/generate/generate-columns.ts";
import { openDeployment } from "./open-deployment.ts";

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

  it("are not all of one kind", () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(4);
  });
});
