// Goal: the tile-level model predicts an A100 it was not fitted on. Method: the measured tables where they are there; a planted fault must miss.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { llmcompassAccuracy } from "./llmcompass-accuracy.ts";
import { readMatmulRows, readRateRows } from "./llmcompass-rows.ts";

const SHARED = "../shared/data/llmcompass-real/ae/figure5";

describe.skipIf(!existsSync(SHARED))("tile-level model on llmcompass-real", () => {
  const read = (path: string): string => readFileSync(`${SHARED}/${path}`, "utf8");
  const texts = () => ({
    matmul: read("ab/real_hardware/matmul_A100.csv"),
    softmax: read("cf/real_hardware/softmax_A100.csv"),
    layernorm: read("de/real_hardware/layernorm_A100.csv"),
    gelu: read("g/real_hardware/gelu_A100.csv"),
    layerPrefill: read("ijkl/real_hardware/transformer_A100.csv"),
    layerDecode: read("ijkl/real_hardware/transformerAR_A100.csv"),
  });

  it("predicts products to 12 % in the median, rows of a matrix and whole layers to 30 %", () => {
    const rows = llmcompassAccuracy(texts());
    expect(rows.map(({ family, points }) => `${family} ${points}`)).toEqual([
      "product f16 20",
      "product f16 20",
      "softmax 22",
      "layernorm 22",
      "gelu 20",
      "GPT-3 layer prefill, operators 10",
      "GPT-3 layer prefill, sum 1",
      "GPT-3 layer decode, operators 10",
      "GPT-3 layer decode, sum 1",
    ]);
    expect(rows[0]!.medianError).toBeLessThan(0.12);
    expect(rows[1]!.medianError).toBeLessThan(0.12);
    expect(rows[1]!.p90).toBeLessThan(0.2);
    for (const row of rows.slice(2)) expect(row.medianError, row.family).toBeLessThan(0.3);
  });

  it("misses with the figures of another device", () => {
    expect(llmcompassAccuracy(texts(), deviceSheet("l4"))[1]!.medianError).toBeGreaterThan(0.5);
  });
});

describe("tables of LLMCompass", () => {
  it("become sizes and ns", () => {
    expect(readMatmulRows("64, 128, 256, 0.5ms, 8Tflops\n", "t")).toEqual([{ sizes: [64, 128, 256], ns: 5e5 }]);
    expect(readRateRows("4096, 32, 2\n1024,0.5", "t")).toEqual([
      { sizes: [4096, 32], ns: 65_536 },
      { sizes: [1024], ns: 2048 },
    ]);
  });

  it.each(["64, 128, 256, 0.5s, 8Tflops", "64, 128, x, 0.5ms, 8", "64, 128"])("refuse %j with its line", (line) => {
    expect(() => readMatmulRows(`1, 1, 1, 1ms, 1\n${line}`, "t")).toThrow(HeddleError);
    expect(() => readMatmulRows(`1, 1, 1, 1ms, 1\n${line}`, "t")).toThrow(/line 2/);
  });
});
