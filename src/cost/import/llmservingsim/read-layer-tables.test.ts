// Goal: LLMServingSim tables are read with their units, and a bad one is one error that names line and column. Method: small tables, and the public
// ones where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { readAttentionTimes, readDenseTimes, readLayerTables, readSkewTimes } from "./read-layer-tables.ts";

const SHARED = "../shared/data/llmservingsim-bench/profiler/perf/RTXPRO6000/Qwen/Qwen3-30B-A3B-Instruct-2507/bf16/tp1";

function fault(read: () => unknown): string {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "measurements-invalid") return thrown.message;
    throw thrown;
  }
  return "no error";
}

describe("LLMServingSim tables", () => {
  it("are read with times in ns", () => {
    expect(readDenseTimes("layer,tokens,time_us\r\nqkv_proj,16,2.5\r\n\r\no_proj,32,1e1\r\n", "dense.csv")).toEqual([
      { layer: "qkv_proj", tokens: 16, ns: 2500 },
      { layer: "o_proj", tokens: 32, ns: 10_000 },
    ]);
    const attention = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n128,64,4,512,20.5\n";
    expect(readAttentionTimes(attention, "attention.csv")).toEqual([
      { prefillTokens: 128, prefillContext: 64, decodes: 4, decodeContext: 512, ns: 20_500 },
    ]);
  });

  it("name file, line and column of what is wrong", () => {
    const read = (text: string) => fault(() => readDenseTimes(text, "x/dense.csv"));
    expect(read("layer,tokens,time_us\nqkv_proj,16,fast\n")).toContain("x/dense.csv, line 2, column time_us");
    expect(read("layer,tokens,time_us\nqkv_proj,16,2\nqkv_proj,1.5,2\n")).toContain("line 3, column tokens");
    expect(read("layer,tokens,time_us\nqkv_proj,16,0\n")).toContain("must be above 0");
    expect(read("layer,tokens\nqkv_proj,16\n")).toContain("column time_us");
    expect(read("layer,tokens,time_us\nqkv_proj,16\n")).toContain("has 2 fields, the header 3");
    expect(read('layer,tokens,time_us\n"qkv_proj,16,2\n')).toContain("line 2");
    expect(read("")).toContain("is empty");
    expect(fault(() => readSkewTimes("regime,n\npure,2\n", "skew.csv"))).toContain("skew.csv, line 1, column nb");
  });

  it.skipIf(!existsSync(SHARED))("are read whole from the public tables", () => {
    const text = (name: string) => readFileSync(`${SHARED}/${name}.csv`, "utf8");
    const tables = readLayerTables(
      { dense: text("dense"), perSequence: text("per_sequence"), attention: text("attention"), moe: text("moe"), skew: text("skew") },
      SHARED,
    );
    // Data lines of the files, less their header: `wc -l`.
    for (const [rows, name] of [
      [tables.dense, "dense"],
      [tables.attention, "attention"],
      [tables.experts, "moe"],
      [tables.skew, "skew"],
    ] as const) {
      expect(rows.length, name).toBe(text(name).trimEnd().split("\n").length - 1);
    }
    expect(tables.experts[0]).toEqual({ tokens: 1, activated: 8, ns: expect.closeTo(50_229.7, 6) });
  });
});
