// Goal: whatever the text, a table of measurements is read or is `measurements-invalid` with a place, in bounded time. Method: seeded damage to files.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { readOperatorTable } from "../../src/cost/import/aiconfigurator/read-operator-table.ts";
import { readAttentionTimes, readDenseTimes } from "../../src/cost/import/llmservingsim/read-layer-tables.ts";
import { readLayerProfile } from "../../src/cost/import/vidur/read-layer-profile.ts";
import { readNetworkProfile } from "../../src/cost/import/vidur/read-network-profile.ts";
import { parquetTable } from "../support/parquet-table.ts";
import { mutateText } from "./mutate-text.ts";

const CASES = 800;
const ORIGIN = { device: "A100", engine: "vidur" };

interface Format {
  readonly good: string;
  /** Every number that was read. */
  readonly read: (text: string) => readonly number[];
}

const FORMATS: Readonly<Record<string, Format>> = {
  "LLMServingSim dense": {
    good: "layer,tokens,time_us\nqkv_proj,1,20.5\nqkv_proj,2,20.6\no_proj,1,11.25\no_proj,2,11.5\n",
    read: (text) => readDenseTimes(text, "dense.csv").flatMap(({ tokens, ns }) => [tokens, ns]),
  },
  "LLMServingSim attention": {
    good: "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,16,9.3\n128,0,4,512,30.25\n16,512,0,0,12\n",
    read: (text) => readAttentionTimes(text, "attention.csv").flatMap((row) => Object.values(row)),
  },
  "Vidur layers": {
    good: `time_stats.mlp_up_proj.median,time_stats.add.median,n_head,n_kv_head,n_embd,n_expanded_embd,use_gated_mlp,num_tokens,num_tensor_parallel_workers
0.5,0.002,64,8,8192,28672,True,128,4
0.25,0.001,64,8,8192,28672,False,64,1
`,
    read: (text) => readLayerProfile(text, "mlp.csv", ORIGIN).times.flatMap(({ tokens, ns }) => [tokens, Math.abs(ns)]),
  },
  "Vidur networks": {
    good: ",time_stats.all_reduce.median,num_workers,size,devices_per_node\n0,0.043,16,2048,8\n1,0.05,4,4096,4\n",
    read: (text) =>
      readNetworkProfile(text, "all_reduce.csv", ORIGIN).rows.flatMap(({ query, ns }) => [
        "bytes" in query ? query.bytes : 0,
        Math.abs(ns),
      ]),
  },
};

const PARQUET_CASES = 300;
const GEMM = {
  framework: "VLLM",
  version: "0.19.0",
  device: "H100",
  kernel_source: "k",
  gemm_dtype: "fp8",
  m: 16,
  n: 1024,
  k: 2048,
  latency: 0.5,
};

describe("tables of measurements, fuzzed", () => {
  it.each(Object.entries(FORMATS))(`%s survives ${CASES} damaged texts`, (name, { good, read }) => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const text = mutateText(good, seededPrng(seed));
      try {
        for (const value of read(text))
          if (!(value >= 0 && value < Infinity)) expect.unreachable(`${name} seed ${seed}: ${value} from ${text}`);
        valid += 1;
      } catch (thrown) {
        if (!(thrown instanceof HeddleError)) throw thrown;
        expect(thrown.code, `${name} seed ${seed}`).toBe("measurements-invalid");
        expect(thrown.where, `${name} seed ${seed}`).toContain(".csv");
      }
    }
    // Both outcomes must occur, or the damage tests nothing.
    expect(valid).toBeGreaterThan(5);
    expect(valid).toBeLessThan(CASES * 0.75);
  });

  it(`Parquet survives ${PARQUET_CASES} damaged files`, async () => {
    const good = parquetTable(Array.from({ length: 40 }, (_, i) => ({ ...GEMM, m: 1 + i, latency: 0.5 + i / 100 })));
    let valid = 0;
    for (let seed = 0; seed < PARQUET_CASES; seed++) {
      const prng = seededPrng(seed);
      const bytes = good.slice(0, prng.nextBelow(8) === 0 ? prng.nextBelow(good.length) : good.length);
      for (let edits = prng.nextBelow(6); edits > 0 && bytes.length > 0; edits--) bytes[prng.nextBelow(bytes.length)] = prng.nextBelow(256);
      try {
        const { rows } = await readOperatorTable(bytes, "x/gemm_perf.parquet");
        for (const { query, ns } of rows) {
          const sound = query.op === "product" && Number.isSafeInteger(query.m) && query.m >= 1 && Number.isFinite(ns);
          if (!sound) expect.unreachable(`seed ${seed}: ${JSON.stringify(query)} ${ns}`);
        }
        valid += 1;
      } catch (thrown) {
        if (!(thrown instanceof HeddleError)) throw thrown;
        expect(thrown.code, `seed ${seed}`).toBe("measurements-invalid");
        expect(thrown.where, `seed ${seed}`).toContain("gemm_perf.parquet");
      }
    }
    expect(valid).toBeGreaterThan(5);
    expect(valid).toBeLessThan(PARQUET_CASES * 0.9);
  });
});
