/**
 * Goal: engines are priced by the constants of their own kernels where those were measured, and by their family's elsewhere.
 * Method: single rows of AIConfigurator's tables (aiconfigurator-core 0.12.0) that no other engine's constants meet; devices and engines without tables.
 */
import { expect, it, test } from "vitest";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { ExpertQuery, OperatorQuery } from "../operator-query.ts";
import { familyOf, kernelsOf } from "./families.ts";
import { engineOperators, physicsModel } from "./physics-model.ts";

function us(device: string, engine: string | undefined, query: OperatorQuery): number {
  const priced = engineOperators(deviceSheet(device), engine).price(query);
  return priced.ok ? priced.value.ns / 1000 : Number.NaN;
}

/** DeepSeek-V3's experts on one of 8 tensor ranks. */
const deepseek = (tokens: number, type: "f8e4m3" | "f4e2m1"): ExpertQuery => ({
  op: "experts",
  tokens,
  width: 7168,
  inner: 2048,
  active: 8,
  experts: 256,
  ranks: { tensor: 8, expert: 1 },
  type,
  ...(type === "f8e4m3" && { blockScaled: true }),
  load: "balanced",
});
/** gpt-oss-120b's experts on one device: stored in 4 bits. */
const gptOss = (tokens: number): ExpertQuery => ({
  op: "experts",
  tokens,
  width: 2880,
  inner: 2880,
  active: 4,
  experts: 128,
  ranks: { tensor: 1, expert: 1 },
  type: "f4e2m1",
  load: "balanced",
});

/** A decoding step of DeepSeek-V3's attention on one of 8 tensor ranks. */
const latent: OperatorQuery = {
  op: "latent-attention",
  phase: "decode",
  batch: 16,
  tokens: 1,
  context: 1024,
  heads: 16,
  width: 7168,
  queryRank: 1536,
  kvRank: 512,
  plainDim: 128,
  rotatedDim: 64,
  valueDim: 128,
  type: "f8e4m3",
  blockScaled: true,
  kvType: "f8e4m3",
};

/** Measured times in us; the constants' own errors of unseen groups are 4 to 17 % in the median. */
test.each([
  ["b200-sxm", "sglang", deepseek(1, "f8e4m3"), 36.1],
  ["b200-sxm", "trtllm", latent, 48],
  ["h200-sxm", "trtllm", gptOss(8), 204],
  ["h200-sxm", "trtllm", gptOss(32), 614],
  ["h200-sxm", "trtllm", { op: "product", m: 64, n: 8192, k: 8192, type: "f8e4m3" }, 24.3],
] as const)("on %s, %s takes as long as its table says: case %#", (device, engine, query, measured) => {
  expect(us(device, engine, query) / measured).toBeGreaterThan(1 / 1.3);
  expect(us(device, engine, query) / measured).toBeLessThan(1.3);
});

it("vLLM's kernels take longer for block-scaled experts on a B200: 351 us against 156", () => {
  const ratio = us("b200-sxm", "vllm", deepseek(64, "f8e4m3")) / us("b200-sxm", "sglang", deepseek(64, "f8e4m3"));
  expect(ratio).toBeGreaterThan(1.3);
});

it("a block of latent attention in 16 bits lacks kernels that quantise: 34 us against 48 in 8 bits on a B200", () => {
  const { blockScaled: _, ...half } = { ...latent, type: "bf16" } as const;
  const ratio = us("b200-sxm", "trtllm", latent) / us("b200-sxm", "trtllm", half);
  expect(ratio).toBeGreaterThan(1.2);
  expect(ratio).toBeLessThan(1.6);
});

it("8-bit products of TensorRT-LLM have a scale for their input already: 6.3 us of 14.5 on a B200", () => {
  const time = us("b200-sxm", "trtllm", { op: "product", m: 4, n: 8192, k: 1024, type: "f8e4m3" });
  expect(time).toBeGreaterThan(4);
  expect(time).toBeLessThan(9);
});

it("families and engines without tables keep the family's constants", () => {
  for (const device of ["a100-sxm", "rtx-4090", "mi300x"]) {
    const sheet = deviceSheet(device);
    expect(kernelsOf(sheet, "sglang")).toBe(familyOf(sheet));
  }
  const h100 = deviceSheet("h100-sxm");
  for (const engine of ["vllm", "heddle", "constructor", undefined]) expect(kernelsOf(h100, engine)).toBe(familyOf(h100));
  expect(kernelsOf(h100, "trtllm")).not.toBe(kernelsOf(h100, "sglang"));
});

it("4-bit floats on a device without their arithmetic have no basis but in engines that unpack them", () => {
  const h200 = deviceSheet("h200-sxm");
  expect(physicsModel(h200).price(gptOss(8))).toMatchObject({ ok: false });
  expect(engineOperators(h200, "trtllm").price(gptOss(8))).toMatchObject({ ok: true });
  expect(engineOperators(h200, "trtllm").price({ op: "product", m: 8, n: 64, k: 64, type: "f4e2m1" })).toMatchObject({ ok: false });
});

it("what no table of an engine has is the family's, also when that is fitted anew", () => {
  for (const id of ["h100-sxm", "b200-sxm"]) {
    const sheet = deviceSheet(id);
    const family = familyOf(sheet);
    for (const engine of ["sglang", "trtllm"]) {
      const own = kernelsOf(sheet, engine);
      expect(own).not.toBe(family);
      expect([own.product.wide, own.product.packed, own.experts.packed, own.stream]).toEqual([
        family.product.wide,
        family.product.packed,
        family.experts.packed,
        family.stream,
      ]);
    }
  }
});
