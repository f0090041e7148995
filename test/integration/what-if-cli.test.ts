/**
 * Goal: `heddle simulate` of deployments, `import`, `what-if`, `validate` and `heddle` alone print what they promise, alike for a seed, and refuse
 * bad input by the table; the page of a simulation works in a browser. Method: the commands on examples and small files, in this process, and each once
 * as a compiled process.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { heddle, heddleProcess } from "../support/heddle.ts";
import { readChromeTrace } from "../support/read-chrome-trace.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-what-if-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const EXAMPLE = "examples/deployments/llama-8b-l40s.yaml";
const LOAD = "gamma:rate=6,cv=2,prompt=lognormal:800:0.8,output=20-120,seconds=20,seed=4";

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** A benchmark of 40 requests, eight in flight, measured as if one L40S had answered. */
const BENCH = JSON.stringify({
  max_concurrency: 8,
  request_rate: "inf",
  input_lens: Array.from({ length: 40 }, (_, i) => 300 + 40 * i),
  output_lens: Array.from({ length: 40 }, () => 60),
  ttfts: Array.from({ length: 40 }, () => 0.2),
  itls: Array.from({ length: 40 }, () => Array.from({ length: 59 }, () => 0.025)),
  errors: Array.from({ length: 40 }, () => ""),
});

describe("heddle simulate <deployment>", () => {
  it("prints one JSON document, alike for a seed, with ordered intervals, defaults and sources", async () => {
    const words = ["simulate", EXAMPLE, "--workload", LOAD, "--runs", "3", "--slo", "ttft=1s,tpot=50ms", "--json"];
    const { stdout, status } = await heddle(...words);
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    for (const name of ["ttft", "tpot", "e2e"]) {
      for (const statistic of ["mean", "p50", "p90", "p99"]) {
        const { value, low, high } = report.figures[name][statistic];
        expect(low > 0 && low <= value && value <= high, `${name} ${statistic}`).toBe(true);
      }
    }
    expect(report.figures.requests.finished).toBe(report.workload.requests);
    expect(report.figures.goodShare.value).toBeGreaterThan(0.5);
    expect(report.devices).toBe(2);
    expect(report.measuredAt).toMatchObject({ at: "client", fronts: [{ engine: "vllm", spread: 2 }] });
    const atEngine = JSON.parse((await heddle(...words, "--measure-at", "engine")).stdout);
    expect(atEngine.measuredAt.at).toBe("engine");
    expect(report.figures.ttft.mean.value - atEngine.figures.ttft.mean.value).toBeCloseTo(report.figures.front.mean.value, -1);
    expect(report.pools[0]).toMatchObject({ basis: "data-sheet", device: "NVIDIA L40S 48 GB" });
    expect(report.pools[0].dollarsPerHour.source).not.toBe("");
    expect(report.defaults.map(({ field }: { field: string }) => field)).toContain("pools.0.engine.maxBatchedTokens");
    expect(heddleProcess(...words)).toMatchObject({ stdout, status: 0 });
  });

  it("says when the queue grew, and what was left out", async () => {
    const trace = file(
      "burst.csv",
      `Timestamp,Request tokens,Response tokens\n${Array.from({ length: 300 }, (_, i) => `${i / 100},3000,${i % 50 === 0 ? 0 : 200}`).join("\n")}\n`,
    );
    const { stdout } = await heddle("simulate", EXAMPLE, "--workload", trace, "--runs", "1");
    expect(stdout).toContain("NOT STATIONARY: the queue was still growing");
    expect(stdout).toContain("left out of the workload: 6 rows no tokens asked or answered");
    expect(stdout).toContain("One run without errors");
    expect((await heddle("simulate", EXAMPLE, "--workload", LOAD, "--runs", "1")).stdout).not.toContain("NOT STATIONARY");
  });

  it("says where times are taken, and takes no client's times of an engine whose front end was not fitted", async () => {
    const own = file("own.yaml", "version: 1\nmodel: Llama-3.1-8B\npools: [{ device: l40s, engine: { name: heddle } }]\n");
    const words = ["--workload", "poisson:rate=2,prompt=100,output=10,seconds=3", "--runs", "1"];
    expect((await heddle("simulate", own, ...words)).stdout).toContain("TTFT and end to end: at the engine; no time of a front end");
    const refused = await heddle("simulate", own, ...words, "--measure-at", "client", "--json");
    expect(JSON.parse(refused.stdout).error).toMatchObject({ code: "no-basis", where: "--measure-at client" });
    expect((await heddle("simulate", EXAMPLE, ...words)).stdout).toMatch(
      /TTFT and end to end: at the client.+vllm's 23.4 ms.+a factor of 3/,
    );
  });

  it("prices traffic between machines over the fabric that a deployment names", async () => {
    const network = (uplink: number): string =>
      file(
        `fabric-${uplink}.yaml`,
        `fabric: { kind: leaf-spine, leaves: 2, devicesPerLeaf: 8, spines: 1, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: ${uplink} GB/s }\n`,
      );
    const ttft = async (fabric: string): Promise<number> => {
      const text =
        `version: 1\nmodel: Llama-3.1-70B\n${fabric}pools: [{ device: h100-sxm, parallel: { tensor: 8, pipeline: 2 } }]\n`.replace(
          `${folder}/`,
          "",
        );
      const words = ["--workload", "poisson:rate=2,prompt=2000,output=4,seconds=2", "--runs", "1", "--measure-at", "engine", "--json"];
      const { stdout } = await heddle("simulate", file("wide.yaml", text), ...words);
      return JSON.parse(stdout).figures?.ttft.mean.value ?? JSON.parse(stdout).error.code;
    };
    const alone = await ttft("");
    expect(await ttft(`fabric: ${network(400)}\n`)).toBe(alone);
    expect(await ttft(`fabric: ${network(20)}\n`)).toBeGreaterThan(alone);
    expect(await ttft("fabric: none.yaml\n")).toBe("file-unreadable");
  });

  it("scales a workload and draws lengths from a file", async () => {
    const lengths = file("lengths.jsonl", '{"at_ms":0,"prompt_tokens":100,"output_tokens":7}\n');
    const args = ["simulate", EXAMPLE, "--workload", "poisson:rate=5,seconds=20", "--lengths", lengths, "--runs", "1", "--json"];
    const plain = JSON.parse((await heddle(...args)).stdout);
    const scaled = JSON.parse((await heddle(...args, "--scale", "rate=2,length=3")).stdout);
    expect(scaled.workload.source).toContain("rate x 2, prompt x 3, output x 3");
    expect(scaled.workload.requests).toBe(plain.workload.requests);
    expect(scaled.figures.lastingNs.value / plain.figures.lastingNs.value).toBeCloseTo(0.5, 1);
    expect(scaled.figures.e2e.mean.value).toBeGreaterThan(2 * plain.figures.e2e.mean.value);
  });

  it("counts replicas that come and go, and the requests that they lose", async () => {
    const path = "examples/deployments/llama-8b-autoscaled.yaml";
    const load = "diurnal:rate=5,peak=1.9,period=240,prompt=200-1000,output=50-300,seconds=240";
    const losing = file("losing.yaml", readFileSync(path, "utf8").replace("meanUpNs: 604800000000000", "meanUpNs: 100000000000"));
    const { stdout } = await heddle("simulate", losing, "--workload", load, "--runs", "3");
    expect(stdout).toContain("on at most 4 devices");
    expect(stdout).toMatch(/replicas paid for, mean\t[123]\.\d\d/);
    expect(stdout).toMatch(/requests sent again\t[1-9]/);
    expect(stdout).toContain("whose replicas are lost anew");
    const args = ["--workload", load, "--runs", "2", "--json", "--change", "pools.0.scaling=null"];
    const { rows } = JSON.parse((await heddle("what-if", path, ...args)).stdout) as {
      rows: { name: string; ratio: { value: number }; after: { value: number } }[];
    };
    const row = (name: string) => rows.find((one) => one.name === name)!;
    expect(row("replicas, mean").after.value).toBe(4);
    expect(row("$ a million output tokens").ratio.value).toBeCloseTo(row("replicas, mean").ratio.value, 1);
    expect(row("TTFT p99").ratio.value).toBeLessThan(1);
  });

  it("runs pools of split roles that scale, lose replicas and keep KV outside, and says so", async () => {
    const changes =
      "replicas: 3, scaling: { least: 1, everyNs: 1.0e+9, orderAbove: 2, drainBelow: 1 }, outages: { meanUpNs: 6.0e+10, repairNs: 1.0e+9 }";
    const decode = `{ device: l40s, role: decode, name: b, ${changes}, engine: { overheadNs: 200000000 } }`;
    const link = "kvTransfer: { bandwidthBytesPerSecond: 1.0e+9, latencyNs: 0 }\n";
    const text = `version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: l40s, role: prefill, ${changes}, offload: { bytes: 1.0e+10, bandwidthBytesPerSecond: 2.0e+10 } }\n  - ${decode}\n${link}`;
    const load = "poisson:rate=2,prompt=500,output=60,seconds=60,seed=2";
    const { stdout } = await heddle("simulate", file("split.yaml", text), "--workload", load, "--runs", "2");
    expect(stdout).toMatch(/requests sent again\t[1-9]/);
    expect(stdout).toMatch(/b replicas paid for, mean\t[123]\.\d\d/);
  });

  it("runs feed-forwards on devices of their own, and says what a lap takes", async () => {
    const path = "examples/deployments/mixtral-8x22b-experts-apart.yaml";
    const load = ["--workload", "poisson:rate=4,prompt=571,output=40,seconds=5,seed=1", "--runs", "1"];
    const { stdout } = await heddle("simulate", path, ...load);
    expect(stdout).toContain("on 48 devices");
    expect(stdout).toMatch(/feed-forwards: 32 x NVIDIA L40S/);
    expect(stdout).toMatch(/links hidden, slowest: FFN/);
    const report = JSON.parse((await heddle("simulate", path, ...load, "--json")).stdout) as {
      pools: { devices: number; ffn?: { devices: number; lap: { microBatches: number; hidden: boolean } } }[];
    };
    expect(report.pools[1]).toMatchObject({ devices: 40, ffn: { devices: 32, lap: { microBatches: 3, hidden: true } } });
    const change = ["--change", "pools.decode.ffn.device=h20", "--json"];
    const { rows } = JSON.parse((await heddle("what-if", path, ...load.slice(0, 3), "3", ...change)).stdout) as {
      rows: { name: string; ratio: { value: number } }[];
    };
    expect(rows.find(({ name }) => name === "TPOT mean")!.ratio.value).toBeLessThan(1);
  });

  it("encodes images on a pool of their own, and draws others", async () => {
    const path = "examples/deployments/qwen3-vl-encoders-apart.yaml";
    const load = ["--workload", "poisson:rate=6,prompt=400,output=20,seconds=4,seed=1,images=1-4,sizes=1280x720,distinct=20"];
    const { stdout } = await heddle("simulate", path, ...load, "--runs", "1");
    expect(stdout).toMatch(/images found encoded\t[1-9]/);
    expect(stdout).toMatch(/eyes busy\t[1-9]/);
    const change = ["--change", "workload.images=count=8,sizes=1280x720", "--runs", "3", "--json"];
    const { rows } = JSON.parse((await heddle("what-if", path, ...load, ...change)).stdout) as {
      rows: { name: string; ratio: { value: number } }[];
    };
    expect(rows.find(({ name }) => name === "images encoded")!.ratio.value).toBeGreaterThan(2);
    expect(rows.find(({ name }) => name === "TTFT mean")!.ratio.value).toBeGreaterThan(1);
  });

  it("writes a timeline that a viewer reads", async () => {
    const path = join(folder, "timeline.json");
    expect((await heddle("simulate", EXAMPLE, "--workload", LOAD, "--runs", "1", "--timeline", path)).status).toBe(0);
    const trace = readChromeTrace(readFileSync(path, "utf8"));
    expect(JSON.stringify(trace)).toContain("answer 0");
  });

  it.each([
    [["--workload", LOAD, "--rack", "x.yaml"], "usage"],
    [["--workload", LOAD, "--lengths", EXAMPLE], "workload-invalid"],
  ])("refuses %j", async (args, code) => {
    expect(JSON.parse((await heddle("simulate", EXAMPLE, "--json", "--runs", "1", ...args)).stdout).error.code).toBe(code);
  });

  it.each([
    ["model: no-such-model", "model-not-found"],
    ["model: Llama-3.1-405B", "does-not-fit"],
  ])("refuses a deployment of %j", async (model, code) => {
    const path = file("bad.yaml", `version: 1\n${model}\npools: [{ device: l40s }]\n`);
    expect(JSON.parse((await heddle("simulate", path, "--workload", LOAD, "--json")).stdout).error.code).toBe(code);
  });

  it("refuses a device that nobody knows, and options of plans and deployments mixed", async () => {
    const path = file("device.yaml", "version: 1\nmodel: Llama-3.1-8B\npools: [{ device: h1000 }]\n");
    expect(JSON.parse((await heddle("simulate", path, "--workload", LOAD, "--json")).stdout).error.code).toBe("device-unknown");
    const plan = file("plan.json", '{"rackFingerprint":"x"}');
    expect(JSON.parse((await heddle("simulate", plan, "--workload", LOAD, "--slo", "ttft=1s", "--json")).stdout).error).toMatchObject({
      code: "usage",
      where: "--slo",
    });
    const placed = await heddle("simulate", plan, "--workload", LOAD, "--measure-at", "engine", "--json");
    expect(JSON.parse(placed.stdout).error).toMatchObject({ code: "usage", where: "--measure-at" });
  });
});

describe("heddle import and what-if", () => {
  const deployment = file("one.yaml", "version: 1\nmodel: Llama-3.1-8B\npools:\n  - { name: l40s, device: my/l40s.yaml }\n");
  const fleet = join(folder, "fleet.json");
  const metrics = file(
    "metrics.txt",
    [
      "# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig",
      'vllm:cache_config_info{block_size="16",enable_prefix_caching="True",gpu_memory_utilization="0.85",num_gpu_blocks="9000"} 1.0',
      ...["0.1", "0.25", "+Inf"].map((le, i) => `vllm:time_to_first_token_seconds_bucket{le="${le}",model_name="m"} ${[1, 39, 40][i]}`),
      'vllm:time_to_first_token_seconds_sum{model_name="m"} 8.0',
      'vllm:time_to_first_token_seconds_count{model_name="m"} 40',
    ].join("\n"),
  );

  it("makes one file of a log, a scrape and a deployment, with what was measured", async () => {
    mkdirSync(join(folder, "my"));
    file("my/l40s.yaml", "id: my-l40s\nlike: l40s\n");
    const { stdout, status } = heddleProcess(
      "import",
      file("bench.json", BENCH),
      "--deployment",
      deployment,
      "--metrics",
      metrics,
      "--out",
      fleet,
      "--json",
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.settings).toContain("pools.0.engine.kvBlocks = 9000");
    expect(report.measured).toMatchObject({ clock: "client", requests: 40, ttft: { p99: 0.2e9 } });
    expect(report.measured.tpot.mean).toBeCloseTo(25e6, 0);
    expect(report.metrics.latencies[0]).toMatchObject({ name: "TTFT", count: 40, meanNs: 0.2e9, p50Ns: [0.1e9, 0.25e9] });
    rmSync(join(folder, "my"), { recursive: true });
  });

  it("answers from that file alone, with the model's error on what was measured", async () => {
    const { stdout, status } = await heddle("what-if", fleet, "--change", "pools.l40s.replicas=2", "--runs", "3", "--json");
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    const row = report.rows.find(({ name }: { name: string }) => name === "TPOT mean");
    expect(row.measured).toBeCloseTo(25e6, 0);
    expect(row.error).toBeCloseTo(row.before.value / row.measured - 1, 9);
    expect(row.expected.value).toBeCloseTo(row.measured * row.ratio.value, 0);
    expect(row.ratio.value).toBeLessThan(1);
    expect(report.measuredAt.at).toBe("client");
    const elsewhere = await heddle("what-if", fleet, "--change", "pools.l40s.replicas=2", "--measure-at", "engine", "--json");
    expect(JSON.parse(elsewhere.stdout).error).toMatchObject({ code: "usage", where: "--measure-at engine" });
    expect(row.ratio.high - row.ratio.low).toBeLessThan(row.before.high / row.before.low - 1);
    const text = heddleProcess("what-if", fleet, "--change", "pools.l40s.replicas=2", "--runs", "3").stdout;
    expect(text).toMatch(/^With pools.l40s.replicas = 2: p99 TTFT .+ measured; the model is off by [+-]/);
    type Row = { name: string; measured?: number; before: { low: number; high: number } };
    const outside = (report.rows as Row[]).filter(
      ({ measured, before }) => measured !== undefined && (measured < before.low || measured > before.high),
    );
    expect(outside.map(({ name }) => name)).toContain("TTFT mean");
    expect(text).toContain(`OUTSIDE ITS INTERVAL as it runs: ${outside.map(({ name }) => name).join(", ")}. The model does not describe`);
  });

  it("takes deployments with a load, other devices, loads and settings", async () => {
    const rows = async (change: string): Promise<readonly { readonly name: string; readonly ratio: { readonly value: number } }[]> =>
      JSON.parse((await heddle("what-if", EXAMPLE, "--workload", LOAD, "--runs", "2", "--json", "--change", change)).stdout).rows;
    const ratio = (all: Awaited<ReturnType<typeof rows>>, name: string): number => all.find((row) => row.name === name)!.ratio.value;
    expect(ratio(await rows("pools.0.device=h100-sxm"), "TPOT mean")).toBeLessThan(0.6);
    const { stdout } = await heddle("what-if", EXAMPLE, "--workload", LOAD, "--runs", "1", "--change", "pools.0.device=h100-sxm");
    expect(stdout).toMatch(
      /not in the file, so taken as:.*maxSequences = 256 .*not said by the change, so taken as:.*maxSequences = 1024 /s,
    );
    expect(ratio(await rows("workload.rate=2"), "output tokens/s")).toBeGreaterThan(1.3);
    expect(ratio(await rows("pools.0.engine.maxSequences=2"), "TTFT mean")).toBeGreaterThan(2);
  });

  it.each([
    [["what-if", EXAMPLE, "--change", "pools.0.replicas=3"], "usage"],
    [["what-if", EXAMPLE, "--workload", LOAD, "--change", "workload.rate=-1"], "usage"],
    // The example's pool serves no adapters.
    [["what-if", EXAMPLE, "--workload", LOAD, "--change", "workload.adapters=count=3"], "workload-invalid"],
    [["what-if", EXAMPLE, "--workload", LOAD, "--adapters", "ranks=3", "--change", "routing=random"], "workload-invalid"],
    [["import", EXAMPLE, "--deployment", EXAMPLE, "--out", join(folder, "x.json")], "workload-invalid"],
  ])("refuses %j", async (args, code) => {
    const { stdout, status } = await heddle(...args, "--json");
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe(code);
  });
});

describe("heddle validate, and heddle alone", () => {
  it("prints the table that came with the version", async () => {
    const stored = JSON.parse(heddleProcess("validate", "--json").stdout);
    expect(stored).toEqual(JSON.parse(readFileSync("docs/accuracy.json", "utf8")));
    expect((await heddle("validate", "--part", "recorded-run")).stdout).toContain("e2e mean");
    expect(JSON.parse((await heddle("validate", "--part", "nothing", "--json")).stdout).error.code).toBe("usage");
    expect(JSON.parse((await heddle("validate", "--data", "no-such-folder", "--json")).stdout).error.code).toBe("file-unreadable");
  });

  it("names what is not there, and computes nothing of it", async () => {
    const { parts } = JSON.parse((await heddle("validate", "--data", folder, "--part", "recorded-run", "--json")).stdout);
    expect(parts[0]).toMatchObject({ rows: [], missing: "llmservingsim-bench is not in the folder of data" });
  });

  it("answers a what-if without arguments and files", async () => {
    const { stdout, status } = heddleProcess();
    expect(status).toBe(0);
    expect(stdout).toContain("p99 time to first token");
    expect(stdout).toContain("heddle what-if");
  });
});

const browserPath = chromiumPath();

describe.skipIf(browserPath === undefined)("the page of a simulation", () => {
  it("opens without a network or an error, and draws every chart", async () => {
    const path = join(folder, "report.html");
    expect((await heddle("simulate", EXAMPLE, "--workload", LOAD, "--runs", "2", "--slo", "ttft=1s", "--html", path)).status).toBe(0);
    const browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (!request.url().startsWith("file:")) complaints.push(request.url());
      });
      await page.goto(pathToFileURL(path).href);
      await page.waitForSelector(".chart[data-lines] canvas");
      await page.waitForFunction("document.querySelectorAll('.chart[data-lines] canvas').length === 4");
      expect(await page.textContent("h1")).toBe("Llama-3.1-8B on 2 devices");
      expect(await page.textContent("#sections")).toContain("TTFT");
      await page.click("#theme");
      expect(await page.getAttribute("html", "data-theme")).toBe("dark");
      expect(complaints).toEqual([]);
      // What it listens for is heard: a page that is broken complains.
      const broken = join(folder, "broken.html");
      writeFileSync(broken, readFileSync(path, "utf8").replace('"sections":[', '"sections":null,"others":['));
      await page.goto(pathToFileURL(broken).href);
      expect(complaints.length).toBeGreaterThan(0);
    } finally {
      await browser.close();
    }
  });
});
