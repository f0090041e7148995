// Goal: `heddle simulate` prints every figure with its bars, alike for a seed, and refuses bad input by the table. Method: the command on the plan of a tiny
// model with a synthetic rack, in this process and as a compiled one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writePlan } from "../../src/plan/plan-file.ts";
import { writeRack } from "../../src/rack/rack-file.ts";
import { heddle, heddleProcess } from "../support/heddle.ts";
import { tinyLive } from "../support/tiny-live.ts";

const { plan, costs, folder } = tinyLive({ replicas: 2 });
const planPath = join(folder, "plan.json");
const rackPath = join(folder, "rack.yaml");
writeFileSync(planPath, writePlan(plan));
writeFileSync(rackPath, writeRack(costs[0]!.rack));

function words(workload: string, more: readonly string[] = []): string[] {
  return ["simulate", planPath, "--rack", rackPath, "--workload", workload, "--runs", "6", ...more];
}

describe("heddle simulate", () => {
  const generated = "poisson:rate=8,prompt=20-200,output=5-20,seconds=5,seed=1";

  it("prints one JSON document, alike for a seed, with ordered bars and a basis", async () => {
    const { stdout, status } = await heddle(...words(generated, ["--json"]));
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    for (const name of ["ttft", "tpot", "e2e"]) {
      for (const statistic of ["mean", "p50", "p90", "p99"]) {
        const { value, low, high } = report.metrics[name][statistic];
        expect(low > 0 && low <= value && value <= high, `${name} ${statistic}`).toBe(true);
      }
    }
    expect(report.metrics.ttft.p50.value).toBeLessThan(report.metrics.e2e.p50.value);
    expect(["measured", "interpolated", "extrapolated", "data-sheet"]).toContain(report.basis);
    expect(report.requests.finished).toBe(report.workload.requests);
    expect(Object.keys(report.metrics.deviceUse)).toEqual(["cpu-0"]);
    expect(heddleProcess(...words(generated, ["--json"]))).toMatchObject({ stdout, status: 0 });
  });

  it("prints a table with brackets and the basis", async () => {
    const { stdout } = await heddle(...words(generated));
    expect(stdout).toMatch(/TTFT\t[\d.]+ [µm]?s \[[\d.]+ [µm]?s to [\d.]+ [µm]?s\]/);
    expect(stdout).toMatch(/basis of every figure: simulated on \w+/);
    expect(stdout).toContain("TTFT and end to end: at the fleet's engine");
  });

  it("reads a trace file", async () => {
    const path = join(folder, "trace.jsonl");
    writeFileSync(path, '{"timestamp": 0, "input_length": 100, "output_length": 4, "hash_ids": [1]}\n');
    expect(JSON.parse((await heddle(...words(path, ["--json"]))).stdout).workload).toEqual({ source: "Mooncake JSONL", requests: 1 });
  });

  it.each([
    ["poisson:rate=0,prompt=1,output=1,seconds=1", "workload-invalid", "field rate"],
    ["no-such-file.jsonl", "file-unreadable", "no-such-file.jsonl"],
  ])("refuses %s", async (workload, code, where) => {
    const { status, stdout } = await heddle(...words(workload, ["--json"]));
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code, where });
  });
});
