/** Goal: a row is predicted with the settings that the launch script of its run names, and with defaults where there is none. Method: rows by hand. */
import { describe, expect, test } from "vitest";
import type { Cut } from "../../iteration/cut.ts";
import { firstWaveCompiles, siliconBenchmark } from "./silicon-benchmark.ts";
import { siliconLaunch } from "./silicon-launch.ts";
import type { SiliconRow } from "./silicon-row.ts";

const CUT: Cut = { tensor: 8, pipeline: 1, data: 1, expert: 1, context: 1 };

function row(changes: Partial<SiliconRow>): SiliconRow {
  const base = {
    source: "2026-04-06.csv",
    measured: "2025-11-02",
    engine: "trtllm",
    model: "DeepSeek-V3",
    device: "b200-sxm",
    products: "nvfp4",
  };
  return { ...base, promptTokens: 1024, outputTokens: 1024, ...changes } as SiliconRow;
}

describe("launch settings", () => {
  test("of DeepSeek in TensorRT-LLM have room for one prompt beside the decodes, and for 8192 tokens from 2026 on", () => {
    expect(siliconLaunch(row({}), CUT, 32)).toEqual({ batchedTokens: 1152, decodesCount: true, chunked: false });
    expect(siliconLaunch(row({ measured: "2026-02-03" }), CUT, 32).batchedTokens).toBe(8192);
    expect(siliconLaunch(row({ promptTokens: 8192, measured: "2026-02-03" }), CUT, 32).batchedTokens).toBe(8320);
  });
  test("hold prompts back where the script says so", () => {
    expect(siliconLaunch(row({}), { ...CUT, tensor: 1, data: 8 }, 256).hold).toEqual({ kind: "ranks", steps: 60 });
    expect(siliconLaunch(row({ products: "fp8" }), CUT, 64).hold).toMatchObject({ kind: "gather", steps: 40 });
    expect(siliconLaunch(row({ products: "fp8" }), CUT, 32).hold).toBeUndefined();
    const llama = row({ model: "Llama-3.1-70B", products: "fp8" });
    expect(siliconLaunch(llama, { ...CUT, tensor: 4 }, 4).hold).toMatchObject({ kind: "gather", steps: 20 });
    expect(siliconLaunch(llama, CUT, 4).hold).toBeUndefined();
    expect(siliconLaunch(row({ engine: "sglang" }), CUT, 16).hold).toEqual({ kind: "poll", steps: 30 });
    expect(siliconLaunch(row({ engine: "sglang" }), CUT, 8).hold).toEqual({ kind: "poll", steps: 10 });
    expect(siliconLaunch(row({ engine: "sglang", device: "h200-sxm", products: "fp8" }), CUT, 16).hold).toBeUndefined();
  });
  test("of Qwen3.5 on the B300 are those of the script of the day", () => {
    const qwen = (change: Partial<SiliconRow>, clients = 64): unknown =>
      siliconLaunch(row({ engine: "sglang", model: "Qwen3.5-397B-A17B", device: "b300-sxm", products: "fp8", ...change }), CUT, clients);
    const base = { decodesCount: false, chunked: true };
    expect(qwen({ measured: "2026-04-17" })).toEqual({ ...base, batchedTokens: 16_384, hold: { kind: "poll", steps: 10 } });
    expect(qwen({ measured: "2026-04-03" })).toEqual({ ...base, batchedTokens: 32_768, hold: { kind: "poll", steps: 30 } });
    expect(qwen({ measured: "2026-04-18", products: "nvfp4" })).toEqual({
      ...base,
      batchedTokens: 32_768,
      hold: { kind: "poll", steps: 30 },
    });
    expect(qwen({ measured: "2026-04-18", device: "h200-sxm" })).toEqual({ ...base, batchedTokens: 16_384 });
  });
  test("are defaults where no script is known", () => {
    const defaults = (change: Partial<SiliconRow>): unknown =>
      siliconLaunch(row({ source: "h100_sxm/trtllm/1.0.0rc3/x.csv", ...change }), CUT, 64);
    const batchedTokens = 8192;
    expect(defaults({})).toEqual({ batchedTokens, decodesCount: true, chunked: false });
    expect(defaults({ engine: "vllm", model: "Llama-3.1-70B" })).toEqual({ batchedTokens, decodesCount: true, chunked: true });
    expect(defaults({ engine: "sglang", device: "h200-sxm" })).toEqual({ batchedTokens, decodesCount: false, chunked: true });
    expect(defaults({ engine: "sglang" })).toMatchObject({ batchedTokens: 16_384 });
    expect(defaults({ engine: "vllm" })).toMatchObject({ batchedTokens });
  });
});

describe("first waves wait for kernels", () => {
  const waits = (change: Partial<SiliconRow>, clients: number): boolean => {
    const test = row({ engine: "sglang", ...change });
    return firstWaveCompiles(test, siliconLaunch(test, CUT, clients), clients);
  };
  test("in SGLang where they exceed one iteration, so that a prompt is cut", () => {
    // 16,384 tokens an iteration; prompts of 922 and 7,373 in the mean.
    expect([16, 32].map((clients) => waits({}, clients))).toEqual([false, true]);
    expect([2, 4].map((clients) => waits({ promptTokens: 8192 }, clients))).toEqual([false, true]);
    // 32,768 with 8 bits.
    expect([4, 8].map((clients) => waits({ promptTokens: 8192, products: "fp8" }, clients))).toEqual([false, true]);
  });
  test("in other engines at any load, in none once the benchmark warms them, nor of models whose kernels come with the engine", () => {
    expect(waits({ engine: "trtllm" }, 4)).toBe(true);
    expect(waits({ measured: "2026-02-03" }, 512)).toBe(false);
    expect(waits({ model: "Qwen3.5-397B-A17B" }, 512)).toBe(false);
  });
});

test("prompts of DeepSeek in SGLang 0.5.10 are five times as long as asked for until the benchmark was mended, and others as long as asked for", () => {
  const base = { engine: "sglang", version: "0.5.10.post1", measured: "2026-04-17" } as const;
  const tokens = (change: Partial<SiliconRow>): number => siliconBenchmark(row({ ...base, ...change })).promptTokens;
  // 7,140 tokens that are asked for are 35,921 (InferenceX pull request 937).
  expect(tokens({ promptTokens: 7140 })).toBe(35_921);
  const alike = [
    { version: "0.5.9" },
    { measured: "2026-05-18" },
    { model: "Qwen3.5-397B-A17B" },
    { engine: "trtllm" as const },
    { source: "h100_sxm/x.csv" },
  ];
  expect(alike.map(tokens)).toEqual(alike.map(() => 1024));
});
