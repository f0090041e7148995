/**
 * Goal: what a configuration leaves for keys and values is counted from the model, and what does not fit says by how much.
 * Method: figures by hand for published models; weights held to the published totals.
 */
import { describe, expect, it, test } from "vitest";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { type Cut, type Formats, ONE_DEVICE } from "./cut.ts";
import { iterationFaultText } from "./iteration-fault.ts";
import { type KvBudget, kvBudget } from "./kv-budget.ts";

const ENGINE = { maxBatchedTokens: 8192, maxSequences: 256, blockTokens: 16, memoryFraction: 0.9 };
const BF16: Formats = { weights: "bf16", kv: "bf16" };

function budget(model: string, cut: Partial<Cut> = {}, precision: Formats = BF16, device = "h100-sxm", engine: object = {}) {
  const architecture = must(knownArchitecture(model), model);
  return kvBudget({
    architecture,
    sheet: deviceSheet(device),
    parallel: { ...ONE_DEVICE, ...cut },
    precision,
    engine: { ...ENGINE, ...engine },
  });
}

function fitting(...args: Parameters<typeof budget>): KvBudget {
  const found = budget(...args);
  if (!found.ok) throw new Error(iterationFaultText(found.error));
  return found.value;
}

describe("weights", () => {
  it.each([
    ["Llama-3.1-8B", {}, BF16, "h100-sxm", 16.06],
    ["DeepSeek-V3", { tensor: 8 }, { weights: "f8e4m3", kv: "bf16" } as Formats, "h200-sxm", 672.9 / 8],
    [
      "DeepSeek-V3",
      { data: 144, expert: 144 },
      { weights: "f8e4m3", kv: "bf16" } as Formats,
      "h800-sxm",
      656.5 / 144 + 11.4 + 1.2 + 2.6 + 2 * 2,
    ],
  ] as const)("%s, %o: GB a device", (model, cut, formats, device, gigabytes) => {
    expect(fitting(model, cut, formats, device).weightBytes / 1e9 / gigabytes).toBeCloseTo(1, 1);
  });
});

describe("keys and values a token", () => {
  it.each([
    ["Llama-3.1-8B", {}, 131072],
    ["Llama-3.1-8B", { tensor: 8 }, 131072 / 8],
    ["Llama-3.1-8B", { tensor: 16 }, 131072 / 8],
    ["DeepSeek-V3", { tensor: 16 }, 61 * 576 * 2],
    ["gpt-oss-120b", { tensor: 4 }, (18 * 2 * 8 * 64 * 2) / 4],
  ] as const)("%s, %o: %d bytes", (model, cut, bytes) =>
    expect(fitting(model, cut, { weights: "f4e2m1", kv: "bf16" }, "b300-sxm").perTokenBytes).toBe(bytes),
  );

  test("windows and recurrent state are a sequence's, whatever its length", () => {
    expect(fitting("gpt-oss-120b", {}, BF16, "b300-sxm").perSequenceBytes).toBe(18 * 2 * 8 * 64 * 2 * 128);
    const mixer = 64 * 128 * 128 * 4 + (64 * 128 + 2 * 16 * 128) * 3 * 2;
    expect(fitting("Qwen3.5-397B-A17B", { tensor: 8 }, BF16, "b300-sxm").perSequenceBytes).toBeCloseTo((45 * mixer) / 8, 6);
  });
});

test("what is left is memory less weights, reserve and fixed state, in whole blocks, for every data-parallel rank", () => {
  const { weightBytes, reserveBytes, perSequenceBytes, kvBytes, kvBlocksPerRank, kvTokensPerRank, kvBlocks } = fitting("Llama-3.1-8B", {
    data: 2,
  });
  const memory = deviceSheet("h100-sxm").memory.capacityBytes.value;
  expect(kvBytes).toBeCloseTo(memory * 0.9 - weightBytes - reserveBytes - 256 * perSequenceBytes, 0);
  expect(kvBlocksPerRank).toBe(Math.floor(kvBytes / (16 * 131072)));
  expect([kvTokensPerRank, kvBlocks]).toEqual([kvBlocksPerRank * 16, kvBlocksPerRank * 2]);
});

test("a stated number of blocks is used as it is", () =>
  expect(fitting("Llama-3.1-8B", {}, BF16, "h100-sxm", { kvBlocks: 77 }).kvBlocks).toBe(77));

test("stated blocks that the device cannot hold beside the weights are refused, whatever share engines take", () => {
  // 85.9 GB of memory, 16.06 GB of weights, 2,097,152 bytes a block: 33,300 at most.
  expect(fitting("Llama-3.1-8B", {}, BF16, "h100-sxm", { kvBlocks: 33_000 }).kvBlocks).toBe(33_000);
  const refused = budget("Llama-3.1-8B", {}, BF16, "h100-sxm", { kvBlocks: 35_000 });
  expect(refused).toMatchObject({ ok: false, error: { code: "does-not-fit" } });
  expect(budget("Llama-3.1-8B", {}, BF16, "rtx-4090", { kvBlocks: 28_000 }).ok).toBe(false);
});

test("what does not fit says by how much", () => {
  const found = budget("Llama-3.1-70B");
  if (found.ok || found.error.code !== "does-not-fit") throw new Error("it fits");
  expect(found.error.needBytes).toBeGreaterThan(141e9);
  expect(found.error.shortBytes).toBe(found.error.needBytes - found.error.haveBytes);
  expect(iterationFaultText(found.error)).toMatch(/GB short$/);
});
