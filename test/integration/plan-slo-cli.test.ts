// Goal: `heddle plan --slo` gives a fleet that keeps its target when simulated, with what binds, what lost and why; `--emit` writes it, held against the
// options of a package where one is at hand. Method: the command in this process, on a model and devices of the catalogue and short workloads.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { addPlanCommand } from "../../src/cli/commands/plan.ts";
import { openDeployment } from "../../src/cli/deployment/open-deployment.ts";
import { readDeployment } from "../../src/plan/deployment/deployment-file.ts";
import { writtenList } from "../../src/plan/emit/options/written-lists.ts";
import { printedBy } from "../support/printed-by.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-slo-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const plan = printedBy(addPlanCommand);
const WORKLOAD = "poisson:rate=12,prompt=lognormal:800:0.8,output=lognormal:150:0.8,seconds=120";
const ASKED = ["plan", "Llama-3.1-8B", "--workload", WORKLOAD, "--batched-tokens", "2048", "--replica-devices", "4"];
const ILLUSTRATED = "poisson:rate=8,prompt=200,output=30,seconds=10,seed=1,images=4,sizes=1280x720";
const SEEING = ["plan", "Qwen3-VL-4B", "--workload", ILLUSTRATED, "--slo", "ttft=2s,tpot=60ms", "--batched-tokens", "4096"];
const FLEETS = ["--fleet", "h100-sxm:8@2.5", "--fleet", "l40s:16@0.9"];

const RAILS_OF_4 = join(folder, "rails.yaml");
writeFileSync(
  RAILS_OF_4,
  "fabric: { kind: rails, nodes: 4, devicesPerNode: 4, nodesPerGroup: 4, spinesPerRail: 1, scaleUpBytesPerSecond: 450 GB/s, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: 50 GB/s }\n",
);

async function codeOf(...words: string[]): Promise<string> {
  try {
    await plan(...words);
    return "none";
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown.code;
    throw thrown;
  }
}

describe("heddle plan --slo", () => {
  it("plans with the blocks of the engine's own server", async () => {
    const workload = "poisson:rate=1,prompt=100-400,output=20-40,seconds=20";
    const words = ["--workload", workload, "--fleet", "l40s:1@1", "--slo", "ttft=2s,tpot=80ms", "--simulations", "1", "--json"];
    for (const [engine, blockTokens] of [
      ["trtllm", 32],
      ["vllm", 16],
    ] as const) {
      const { deployment } = JSON.parse(await plan("plan", "Llama-3.1-8B", ...words, "--engine", engine));
      expect(deployment.pools[0].engine).toMatchObject({ name: engine, blockTokens });
    }
  });

  it("gives the cheapest fleet whose simulation keeps the target, and says why", async () => {
    const out = join(folder, "plan.yaml");
    const report = JSON.parse(await plan(...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--json", "-o", out));
    expect(report.chosen.simulated.met).toBe(true);
    expect(report.chosen.simulated.attained).toBeGreaterThanOrEqual(0.9);
    for (const { dollarsPerHour, simulated } of report.simulated)
      if (simulated.met) expect(dollarsPerHour).toBeGreaterThanOrEqual(report.chosen.dollarsPerHour);
    expect(report.limit.limit).toBe("time per token");
    expect(report.runnerUp.why).toMatch(/dearer|as dear|cheaper, and does not keep/);
    const prices = report.pareto.map((row: { dollarsPerHour: number }) => row.dollarsPerHour);
    expect(prices).toEqual([...prices].sort((a, b) => a - b));
    const bandwidth = report.sensitivities.find((each: { knob: string }) => each.knob === "memoryBandwidth");
    expect(bandwidth.rateAfter).toBeGreaterThan(1.2 * bandwidth.rateBefore);
    const { deployment } = readDeployment(readFileSync(out, "utf8"));
    expect(deployment).toEqual(report.deployment);
    const text = await plan(...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--sensitivity-prices");
    expect(text).toContain("what binds: time per token");
    const cheaper = /^memoryBandwidth\t.*\t([\d.]+)$/m.exec(text)?.[1];
    expect(Number(cheaper)).toBeLessThan(report.search.dollarsNow);
  });

  it("pays more for a tighter target, and for prices at the slow end of their error", async () => {
    const dollars = async (...more: string[]): Promise<number> =>
      JSON.parse(await plan(...ASKED, ...FLEETS, ...more, "--json")).chosen.dollarsPerHour;
    const loose = await dollars("--slo", "ttft=1s,tpot=60ms");
    expect(await dollars("--slo", "ttft=1s,tpot=15ms")).toBeGreaterThan(loose);
    expect(await dollars("--slo", "ttft=1s,tpot=60ms", "--error-quantile", "0.95")).toBeGreaterThanOrEqual(loose);
  });

  it("takes operators from tiles, times at the engine, and settings that hold prompts back", async () => {
    const words = [...ASKED, "--fleet", "l40s:8@1", "--slo", "ttft=1s,tpot=40ms", "--engine", "sglang", "--simulations", "2", "--json"];
    const report = JSON.parse(await plan(...words, "--hold-prompts", "recv-interval=5"));
    expect(report.measuredAt).toMatchObject({ at: "client", fronts: [{ engine: "sglang" }] });
    const other = JSON.parse(await plan(...words, "--measure-at", "engine", "--operators", "tile"));
    expect(other.measuredAt.at).toBe("engine");
    // Designs are tried with the setting and without.
    expect(report.search.designs).toBeGreaterThan(1.5 * other.search.designs);
    expect(other.chosen.spread).toBeGreaterThan(report.chosen.spread);
  });

  it("plans on a fabric, split over it, and writes a plan that simulates there", async () => {
    const out = join(folder, "fabric-plan.yaml");
    const words = ["--slo", "ttft=1s,tpot=40ms", "--fleet", "h100-sxm:32@2.5", "--kv-link", "fabric,20us", "--simulations", "3", "--json"];
    const report = JSON.parse(await plan(...ASKED, ...words, "--fabric", "examples/fabrics/cluster.yaml", "-o", out));
    expect(report.deployment.fabric).toMatch(/examples.fabrics.cluster.yaml$/);
    expect(report.sensitivities.map(({ knob }: { knob: string }) => knob)).toContain("fabric");
    expect(report.pareto.some(({ pools }: { pools: string }) => pools.includes("decode h100-sxm"))).toBe(true);
    expect(readDeployment(readFileSync(out, "utf8")).deployment).toEqual(report.deployment);
    expect(openDeployment(out).pools.length).toBe(report.deployment.pools.length);
  });

  it("encodes images beside prompts or on replicas of their own, and writes a plan that simulates", async () => {
    const out = join(folder, "seeing.yaml");
    const words = ["--fleet", "l40s:8@0.9", "--kv-link", "25GB/s,100us", "--replica-devices", "2", "--simulations", "4", "--json"];
    const report = JSON.parse(await plan(...SEEING, ...words, "-o", out));
    expect(report.chosen.simulated.met).toBe(true);
    expect(report.workload.images).toMatchObject({ mean: 4, foundShare: 0 });
    const fronts = report.pareto.map(({ pools }: { pools: string }) => pools);
    expect(fronts.some((pools: string) => pools.includes("encode l40s"))).toBe(true);
    expect(fronts.some((pools: string) => !pools.includes("encode"))).toBe(true);
    expect(readDeployment(readFileSync(out, "utf8")).deployment).toEqual(report.deployment);
    expect(openDeployment(out).pools.length).toBe(report.deployment.pools.length);
  });

  it.each([
    ["no workload", ["plan", "Llama-3.1-8B", "--slo", "ttft=1s,tpot=40ms", ...FLEETS], "usage"],
    ["no fleet", [...ASKED, "--slo", "ttft=1s,tpot=40ms"], "usage"],
    ["holds of another engine", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--hold-prompts", "recv-interval=30"], "usage"],
    [
      "a client's times of an engine without a fitted front end",
      [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--engine", "heddle", "--measure-at", "client"],
      "no-basis",
    ],
    ["feed-forwards apart of a model without experts", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--ffn"], "usage"],
    ["KV over a fabric without one", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--kv-link", "fabric,20us"], "usage"],
    ["machines that the fabric does not have", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--fabric", RAILS_OF_4], "no-basis"],
    ["a target that is not planned for", [...ASKED, ...FLEETS, "--slo", "ttft=1s,e2e=9s"], "usage"],
    ["images on an engine whose encoder is not simulated", [...SEEING, ...FLEETS, "--engine", "trtllm"], "usage"],
    ["images of a model that reads none", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--images", "count=1"], "workload-invalid"],
    ["an option of native racks", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--stages", "2"], "usage"],
    ["options without a target", [...ASKED, ...FLEETS], "usage"],
    ["a device nobody knows", [...ASKED, "--slo", "ttft=1s,tpot=40ms", "--fleet", "h101:8@2"], "device-unknown"],
    ["a fleet of nothing", [...ASKED, "--slo", "ttft=1s,tpot=40ms", "--fleet", "l40s:0@2"], "usage"],
    ["a target out of reach", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=1ms"], "slo-unmet"],
    ["too small a budget", [...ASKED, ...FLEETS, "--slo", "ttft=1s,tpot=40ms", "--budget", "0.5"], "slo-unmet"],
  ])("refuses %s", async (_name, words, code) => {
    expect(await codeOf(...words)).toBe(code);
  });

  it("takes devices that do not exist from a sheet, and names the figure that is missing instead of taking one", async () => {
    const sheet = join(folder, "new.yaml");
    writeFileSync(sheet, "{ id: h100-fast, like: h100-sxm, memory: { bandwidthBytesPerSecond: x2 } }\n");
    const report = JSON.parse(await plan(...ASKED, "--slo", "ttft=1s,tpot=40ms", "--fleet", `${sheet}:8@2`, "--json"));
    expect(report.deployment.pools[0].device).toBe(sheet);
    // The catalogue has no price of it.
    expect(await codeOf(...ASKED, "--slo", "ttft=1s,tpot=40ms", "--fleet", "h200-sxm:8")).toBe("figure-missing");
  });
});

describe("heddle plan --emit", () => {
  const deployment = join(folder, "fleet.yaml");
  writeFileSync(
    deployment,
    "version: 1\nmodel: Llama-3.1-8B\nrouting: least-loaded\npools:\n  - { device: h100-sxm, replicas: 2, parallel: { tensor: 2 } }\n",
  );
  const written = ["plan", "--deployment", deployment, "--emit", "vllm", "--checkpoint", "meta-llama/Llama-3.1-8B"];

  /** An installed package whose parser has the options that heddle knows, without some. */
  function installed(name: string, without: readonly string[]): string {
    const site = join(folder, name);
    const options = [...new Set(writtenList("vllm").options.values())].filter(({ names }) => !names.some((each) => without.includes(each)));
    const lines = options.map(({ names, kind }) => {
      const type = { flag: 'action="store_true"', switch: "action=argparse.BooleanOptionalAction", int: "type=int", float: "type=float" }[
        kind as string
      ];
      return `parser.add_argument(${[...names.map((each) => JSON.stringify(each)), type ?? "type=str"].join(", ")})`;
    });
    for (const each of ["vllm/engine", "vllm-99.1.dist-info"]) mkdirSync(join(site, each), { recursive: true });
    writeFileSync(join(site, "vllm/engine/arg_utils.py"), lines.join("\n"));
    writeFileSync(join(site, "vllm-99.1.dist-info/METADATA"), "Name: vllm\nVersion: 99.1\n");
    return site;
  }

  it("writes files into a folder, and says what they were held against", async () => {
    const out = join(folder, "manifests");
    const told = JSON.parse(await plan(...written, "--emit", "dynamo", "--out", out, "--json"));
    expect(told.map(({ target }: { target: string }) => target)).toEqual(["vllm", "dynamo"]);
    expect(told[0].checkedAgainst[0]).toContain("vllm 0.33.0 (written list)");
    const script = readFileSync(join(out, "vllm", "vllm-h100-sxm-0.sh"), "utf8");
    expect(script).toContain("exec vllm serve meta-llama/Llama-3.1-8B");
    expect(script).toContain("--tensor-parallel-size 2");
    expect(readFileSync(join(out, "dynamo", "dynamo.yaml"), "utf8")).toContain("kind: DynamoGraphDeployment");
  });

  it("holds the commands against a package that is at hand, and refuses what it does not take", async () => {
    const told = JSON.parse(await plan(...written, "--check-with", installed("same", []), "--json"));
    expect(told[0].checkedAgainst[0]).toContain("vllm 99.1 (read from the package)");
    expect(await codeOf(...written, "--check-with", installed("renamed", ["--max-num-seqs"]))).toBe("emit-invalid");
    expect(await codeOf(...written, "--check-with", folder)).toBe("file-unreadable");
  });

  it.each([
    ["what a target has no word for", ["plan", "--deployment", deployment, "--emit", "sglang"], "emit-inexpressible"],
    ["a deployment that is written for nothing", ["plan", "--deployment", deployment], "usage"],
    ["a target without a deployment", ["plan", "--emit", "vllm"], "usage"],
    ["a model beside the deployment's own", ["plan", "Llama-3.1-8B", ...written.slice(1)], "usage"],
    ["an image where no manifest is written", [...written, "--image", "x"], "usage"],
    ["a folder that is a file", [...written, "--out", deployment], "file-unwritable"],
    [
      "another engine than the plan is for",
      [
        "plan",
        "Llama-3.1-8B",
        "--slo",
        "ttft=1s,tpot=50ms",
        "--fleet",
        "l40s:2",
        "--workload",
        "poisson:rate=1,prompt=100,output=10,seconds=5",
        "--emit",
        "llm-d",
        "--engine",
        "sglang",
      ],
      "usage",
    ],
    ["a fleet without a target", ["plan", "--deployment", deployment, "--emit", "vllm", "--fleet", "l40s:1"], "usage"],
    ["a file that is not there", ["plan", "--deployment", join(folder, "none.yaml"), "--emit", "vllm"], "file-unreadable"],
  ])("refuses %s", async (_name, words, code) => {
    expect(await codeOf(...words)).toBe(code);
  });
});
