// Goal: a recorded run of vLLM is met from layer tables alone, and a wrong setting is seen. Method: the public RTX 4090 run where the folder of
// shared data is there; texts of a few lines for the readers.
import { describe, expect, it } from "vitest";
import { serving4090 } from "../../../test/support/serving-4090.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { recordedRunAccuracy } from "./recorded-run.ts";
import { readRecordedServing } from "./recorded-serving.ts";

const found = serving4090();
const OPTIONS = { layers: 32, dataSet: "llmservingsim-bench" };

/** Largest errors that count as agreement, fixed before the code was written. */
const TARGETS = [
  ["e2e mean", 0.05],
  ["e2e p99", 0.05],
  ["tpot mean", 0.04],
  ["ttft of a request", 0.1],
  ["running requests, of peak", 0.08],
  ["waiting requests, of peak", 0.08],
  ["KV use, of peak", 0.08],
] as const;

function missed(rows: ReturnType<typeof recordedRunAccuracy>): string[] {
  return TARGETS.filter(([family, most]) => {
    const row = rows.find((one) => one.family === family)!;
    return !((family.startsWith("ttft") ? row.medianError : row.meanError) <= most);
  }).map(([family]) => family);
}

describe.skipIf(found === undefined)("the recorded RTX 4090 run", () => {
  const { recorded, tables, published } = found ?? ({} as NonNullable<typeof found>);

  it("is met within the targets by tables alone", () => {
    const rows = recordedRunAccuracy(recorded, tables, { ...OPTIONS, published });
    expect(missed(rows)).toEqual([]);
    expect(rows.find(({ family }) => family === "tpot mean")!.published).toMatch(/^\+0\.2%/);
    expect(rows.find(({ family }) => family === "ttft of a request")!.points).toBe(300);
  });

  it("is missed with slower layers, half the blocks or no prefix cache", () => {
    const slower = { ...tables, dense: tables.dense.map((row) => ({ ...row, ns: row.ns * 1.1 })) };
    expect(missed(recordedRunAccuracy(recorded, slower, OPTIONS))).toContain("e2e mean");
    const half = { ...recorded, engine: { ...recorded.engine, kvBlocks: recorded.engine.kvBlocks >> 1 } };
    expect(missed(recordedRunAccuracy(half, tables, OPTIONS))).toContain("e2e mean");
    const uncached = { ...recorded, engine: { ...recorded.engine, prefixCaching: false } };
    expect(missed(recordedRunAccuracy(uncached, tables, OPTIONS))).toContain("e2e mean");
  });
});

describe("recorded runs", () => {
  const meta = JSON.stringify({
    vllm_version: "0.19.0",
    model: "m",
    hardware: { device_name: "d" },
    kv_cache: { num_gpu_blocks: 10, block_size: 16, enable_prefix_caching: true },
    resolved_config: {
      scheduler_config: { max_num_seqs: 4, max_num_batched_tokens: 64, enable_chunked_prefill: true },
      compilation_config: { cudagraph_capture_sizes: [1, 2] },
    },
  });
  const texts = {
    workload: "index,arrival_ns,input_tokens,output_tokens,prefix_of,prefix_tokens,shared_blocks\n0,5,33,2,-1,0,3 4\n",
    requests: '{"queued_ts": 1.5, "first_token_ts": 2, "last_token_ts": 2.5}\n',
    timeseries: "t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct\n1.0,3,2,5,2,13.5\n",
    meta,
  };

  it("are read with times in ns from the first arrival, and gauges as ratios", () => {
    const { requests, firstTokenNs, gauges, engine } = readRecordedServing(texts);
    expect([...requests.blockIds]).toEqual([3, 4]);
    expect([...firstTokenNs]).toEqual([500_000_005]);
    expect(gauges).toEqual([{ atNs: 1e9, running: 5, waiting: 2, kvUsed: 0.135 }]);
    expect(engine).toMatchObject({ version: "vllm 0.19.0", kvBlocks: 10, maxSequences: 4, graphSizes: [1, 2] });
  });

  it("name the file that is wrong", () => {
    const fault = (changes: Partial<typeof texts>): string => {
      try {
        readRecordedServing({ ...texts, ...changes });
      } catch (thrown) {
        if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
        throw thrown;
      }
      return "none";
    };
    expect(fault({ requests: "" })).toContain("requests.jsonl");
    expect(fault({ requests: "{" })).toContain("line 1");
    expect(fault({ meta: "{}" })).toContain("kv_cache is missing");
    expect(fault({ requests: '{"queued_ts": "x"}' })).toContain("queued_ts");
  });
});
