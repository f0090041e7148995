// Goal: a fleet file keeps what was imported to the last digit, scrapes say what they say, and damage is one coded error. Method: round trips, an
// exposition as vLLM writes it, seeded damage.
import { describe, expect, it } from "vitest";
import { mutateText } from "../../../test/fuzz/mutate-text.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { seededPrng } from "../../base/prng.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { vllmBenchWorkload } from "../workload/vllm-bench-json.ts";
import { engineMetrics } from "./engine-metrics.ts";
import { type FleetFile, isFleetText, readFleetFile, writeFleetFile } from "./fleet-file.ts";
import { measuredFigures } from "./measured-columns.ts";
import { prometheusSamples } from "./prometheus-text.ts";
import { checkServedModel, withReported } from "./reported-settings.ts";

const requests = generateColumns("sessions:rate=1,turns=1-3,think=5,prompt=50-300,output=2-9,seconds=6,system=1x128");
const { deployment } = readDeployment("version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: mine }\n");
const fleet: FleetFile = {
  source: "a test",
  deployment,
  defaults: [],
  devices: { mine: { ...deviceSheet("l40s"), id: "mine" } },
  workload: { source: "generated", requests },
  measured: {
    clock: "engine",
    firstTokenNs: Float64Array.from({ length: requests.count }, (_, i) => 1e6 + i / 3),
    endNs: Float64Array.from({ length: requests.count }, (_, i) => (i === 0 ? -1 : 5e6 + i / 7)),
  },
};
const text = writeFleetFile(fleet);

function fault(damaged: string): string {
  try {
    readFleetFile(damaged);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown.code;
    throw thrown;
  }
  return "none";
}

describe("fleet files", () => {
  it("keep everything", () => {
    expect(isFleetText(text)).toBe(true);
    const { defaults, ...read } = readFleetFile(text);
    const { defaults: _none, ...written } = fleet;
    expect(defaults).toEqual([]);
    expect(read).toEqual(written);
  });

  it.each([
    ["columns of unequal length", text.replace('"arrivalNs":[', '"arrivalNs":[0,')],
    ["measurements of other requests", text.replace('"firstTokenNs":[', '"firstTokenNs":[5,')],
    ["another version", text.replace('"version":1', '"version":2')],
    ["no JSON", text.slice(0, -5)],
  ])("refuse %s", (_what, damaged) => {
    expect(fault(damaged)).toBe("fleet-invalid");
  });

  it("survive damage", () => {
    const small = writeFleetFile({
      ...fleet,
      workload: { source: "x", requests: generateColumns("closed:clients=2,requests=2,prompt=9,output=2") },
      measured: undefined as never,
    });
    let valid = 0;
    for (let seed = 0; seed < 200; seed++) {
      const code = fault(mutateText(small, seededPrng(seed)));
      expect(["none", "fleet-invalid", "deployment-invalid", "device-sheet-invalid"]).toContain(code);
      if (code === "none") valid += 1;
    }
    expect(valid).toBeGreaterThan(0);
    expect(valid).toBeLessThan(150);
  });
});

describe("measured figures", () => {
  it("are those of the definitions, of requests that were measured", () => {
    const columns = generateColumns("poisson:rate=1,prompt=9,output=5,seconds=20");
    const measured = {
      clock: "client" as const,
      firstTokenNs: new Float64Array(columns.count).fill(1e8),
      endNs: new Float64Array(columns.count).fill(5e8),
    };
    measured.endNs[0] = -1;
    const figures = measuredFigures(columns, measured);
    expect(figures.requests).toBe(columns.count - 1);
    expect(figures.ttft.p99).toBe(1e8);
    expect(figures.tpot.mean).toBe(1e8);
    expect(figures.outputTokensPerSecond).toBeCloseTo(
      (5 * (columns.count - 1) * 1e9) / (columns.arrivalNs.at(-1)! + 5e8 - columns.arrivalNs[0]!),
      9,
    );
  });
});

describe("scrapes of an engine", () => {
  const scrape = [
    "# TYPE vllm:e2e_request_latency_seconds histogram",
    'vllm:cache_config_info{block_size="16",cache_dtype="auto",enable_prefix_caching="False",gpu_memory_utilization="0.9",num_gpu_blocks="2588"} 1.0',
    'vllm:e2e_request_latency_seconds_bucket{engine="0",le="1.0",model_name="a\\"b"} 10.0',
    'vllm:e2e_request_latency_seconds_bucket{engine="0",le="+Inf",model_name="a"} 20.0',
    'vllm:e2e_request_latency_seconds_sum{engine="0"} 30.0 1700000000',
    'vllm:e2e_request_latency_seconds_count{engine="0"} 20.0',
    "vllm:num_preemptions_total 247",
    "process_start_time_seconds NaN",
  ];

  it("give settings, bounds of quantiles and counts", () => {
    const metrics = engineMetrics(prometheusSamples(scrape.join("\n")));
    expect(metrics.settings).toEqual({ blockTokens: 16, kvBlocks: 2588, memoryFraction: 0.9, prefixCaching: false });
    expect(metrics.latencies).toEqual([{ name: "end to end", count: 20, meanNs: 1.5e9, p50Ns: [0, 1e9], p99Ns: [1e9, Infinity] }]);
    expect(metrics.preemptions).toBe(247);
  });

  const info = (labels: string): string => `vllm:cache_config_info{block_size="16",${labels},engine="0",model_name="Qwen/Qwen3-30B-A3B"} 1`;
  const metricsOf = (...labels: readonly string[]) => engineMetrics(prometheusSamples(labels.map(info).join("\n")));
  const deployed = (fields = "") =>
    readDeployment(`version: 1\nmodel: Qwen3-30B-A3B\npools:\n  - { name: a, device: h100-sxm, ${fields} }\n`);

  it("take the type of KV, and of several engines the fewest blocks; settings that differ are refused", () => {
    const found = withReported(
      deployed(),
      metricsOf('cache_dtype="fp8",num_gpu_blocks="41000"', 'cache_dtype="fp8",num_gpu_blocks="39999"'),
    );
    expect(found.read.deployment.pools[0]).toMatchObject({ precision: { kv: "f8e4m3" }, engine: { kvBlocks: 39_999 } });
    expect(found.settings).toContain("pools.0.precision.kv = f8e4m3");
    expect(found.read.defaults.map(({ field }) => field)).not.toContain("pools.0.precision.kv");
    expect(withReported(deployed(), metricsOf('cache_dtype="auto"')).read.deployment.pools[0]!.precision.kv).toBe("bf16");
    expect(metricsOf('cache_dtype="fp8_ds_mla"')).toMatchObject({ unknown: ["cache_dtype=fp8_ds_mla"] });
    expect(() => metricsOf('cache_dtype="fp8"', 'cache_dtype="auto"')).toThrow(/cache_dtype fp8 and auto/);
  });

  it("contradict a deployment that says otherwise, of KV's type and of the model", () => {
    const stated = deployed("precision: { weights: bf16, kv: bf16 }");
    expect(() => withReported(stated, metricsOf('cache_dtype="fp8_e5m2"'))).toThrow(
      expect.objectContaining({ code: "deployment-invalid", detail: "is bf16, but the engine reports f8e5m2" }),
    );
    const { deployment } = deployed();
    expect(metricsOf('cache_dtype="auto"').models).toEqual(["Qwen/Qwen3-30B-A3B"]);
    // Other forms of its name, names that nobody knows, and an adapter beside it.
    for (const served of [["Qwen/Qwen3-30B-A3B-Instruct"], ["chat"], ["my-adapter", "qwen3-30b-a3b"], []]) {
      expect(() => checkServedModel(deployment, served, "the log")).not.toThrow();
    }
    expect(() => checkServedModel(deployment, ["meta-llama/Llama-3.1-8B"], "the log")).toThrow(
      expect.objectContaining({ code: "deployment-invalid", detail: "is Qwen3-30B-A3B, but the log is of meta-llama/Llama-3.1-8B" }),
    );
    const bench = { model_id: "Qwen/Qwen3-8B", input_lens: [3], output_lens: [2], ttfts: [0.1], itls: [[0.1]], request_rate: "inf" };
    expect(vllmBenchWorkload(bench).model).toBe("Qwen/Qwen3-8B");
  });

  it.each([
    { of: "nothing", text: "# HELP a b\n", says: "no sample at all" },
    { of: "another program", text: 'node_cpu_seconds_total{cpu="0"} 7\nvllm_like 1', says: "2 samples (of vLLM or SGLang: 0)" },
    { of: "an engine that served nothing", text: "sglang:time_to_first_token_seconds_count 0", says: "1 sample (of vLLM or SGLang: 1)" },
  ])("are refused where they say nothing: $of", ({ text, says }) => {
    expect(() => engineMetrics(prometheusSamples(text))).toThrow(
      expect.objectContaining({ code: "workload-invalid", detail: expect.stringContaining(says) }),
    );
  });

  it.each(["no sample", 'a{b="c} 1', "a{b=c} 1", "a 1x"])("refuse %j with its line", (line) => {
    expect(() => prometheusSamples(`# fine\nb 1\n${line}`)).toThrow(/line 3 of the metrics/);
  });
});
