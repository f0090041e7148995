// Goal: a replica in two sides does the work of one replica, keeps KV where attention is, and is refused where it cannot be. Method: with both sides alike, links that take
// no time and one micro-batch, an iteration is that of one replica; figures by hand for links; properties over micro-batches.
import { describe, expect, it } from "vitest";
import { PLAIN_ROOFLINE } from "../../../../test/support/plain-roofline.ts";
import { must } from "../../../base/assert.ts";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { type Cut, ONE_DEVICE } from "../cut.ts";
import { type BatchShape, emptyBatch } from "../iteration-cost.ts";
import { type ExplainedCost, iterationCostOf } from "../iteration-cost-of.ts";
import { iterationFaultText } from "../iteration-fault.ts";
import { ffnWeights, kvBudget } from "../kv-budget.ts";
import { ffnCut, type SplitFfnInput, splitFfnCost } from "./split-ffn-cost.ts";

const SHEET = deviceSheet("h100-sxm");
const BF16 = { weights: "bf16", kv: "bf16" } as const;

function given(model: string, ffn: Partial<SplitFfnInput["ffn"]> = {}, cut: Partial<Cut> = {}): SplitFfnInput {
  return {
    architecture: must(knownArchitecture(model), model),
    sheet: SHEET,
    parallel: { ...ONE_DEVICE, ...cut },
    precision: BF16,
    operators: PLAIN_ROOFLINE,
    engine: "heddle",
    ffn: { sheet: SHEET, operators: PLAIN_ROOFLINE, tensor: 1, expert: 1, microBatches: 1, linkNs: () => 0, ...ffn },
  };
}

function split(...args: Parameters<typeof given>): ExplainedCost {
  const made = splitFfnCost(given(...args));
  if (!made.ok) throw new TypeError(iterationFaultText(made.error));
  return made.value;
}

function whole(model: string): ExplainedCost {
  const { architecture, parallel } = given(model);
  const made = iterationCostOf({ architecture, sheet: SHEET, parallel, precision: BF16, operators: PLAIN_ROOFLINE, engine: "heddle" });
  if (!made.ok) throw new TypeError(iterationFaultText(made.error));
  return made.value;
}

const decoding = (count: number, context: number): BatchShape => ({
  ...emptyBatch(),
  decodes: count,
  decodeContext: count * context,
  decodeContextMax: context,
});
const MIXED: BatchShape = { ...decoding(12, 700), prefills: 2, prefillTokens: 300, prefillContext: 4000, prefillSquares: 46_000 };

describe("a replica in two sides", () => {
  it.each(["Llama-3.1-8B", "Qwen3-30B-A3B", "DeepSeek-V3"])("does the work of one replica: %s", (model) => {
    for (const shape of [decoding(1, 100), decoding(64, 1000), MIXED]) {
      const ns = whole(model).iterationNs(shape);
      expect(Math.abs(split(model).iterationNs(shape) / ns - 1)).toBeLessThan(1e-6);
      // What is left out, or counted twice, shows: a side alone is less, two micro-batches on devices that wait for each other are more.
      expect(split(model).lap!(shape).attentionNs).toBeGreaterThan(0);
      expect(split(model).lap!(shape).ffnNs).toBeGreaterThan(0);
    }
  });

  it("waits for its links as long as they take, and no longer once micro-batches hide them", () => {
    const layers = 32;
    const shape = decoding(64, 1000);
    const linkNs = (): number => 10_000;
    const before = split("Llama-3.1-8B").iterationNs(shape);
    expect(split("Llama-3.1-8B", { linkNs }).iterationNs(shape) - before).toBe(2 * layers * 10_000);
    const hides = (microBatches: number): number =>
      split("Llama-3.1-8B", { microBatches, linkNs }).iterationNs(shape) - split("Llama-3.1-8B", { microBatches }).iterationNs(shape);
    // With three micro-batches the slower side is always busy: only the first and the last way are seen.
    expect(hides(3)).toBe(2 * 10_000);
    expect(split("Llama-3.1-8B", { microBatches: 3, linkNs }).lap!(shape)).toMatchObject({ hidden: true, microBatches: 3 });
    expect(split("Llama-3.1-8B", { microBatches: 1, linkNs }).lap!(shape).hidden).toBe(false);
  });

  it("sends each token to the experts it visits in 16 bits, in 8 where those are stored so, and back in 16", () => {
    const sent: number[] = [];
    const linkNs = (attentionBytes: number, ffnBytes: number): number => {
      sent.push(attentionBytes, ffnBytes);
      return 0;
    };
    const input = given("Qwen3-30B-A3B", { linkNs, expert: 16 }, { data: 4 });
    for (const experts of ["bf16", "f8e4m3"] as const) {
      const made = splitFfnCost({ ...input, precision: { ...BF16, experts } });
      if (!made.ok) throw new TypeError(iterationFaultText(made.error));
      made.value.iterationNs(decoding(64, 100));
    }
    // 64 tokens, 8 experts of 128, width 2,048; 4 devices send and 16 receive.
    const copies = 64 * 8 * 2048;
    expect(sent).toEqual([2, 2, 1, 2].flatMap((bytes) => [(copies * bytes) / 4, (copies * bytes) / 16]));
  });

  it("has as many micro-batches as sequences at most, and never takes less for more of them", () => {
    const cost = split("Qwen3-30B-A3B", { microBatches: 4, expert: 8, linkNs: (bytes) => 5000 + bytes / 20 }, { data: 4 });
    expect(cost.lap!(decoding(2, 100)).microBatches).toBe(2);
    let last = 0;
    for (let count = 1; count < 200; count += 7) {
      const ns = cost.iterationNs(decoding(count, 512));
      expect(ns).toBeGreaterThanOrEqual(last);
      last = ns;
    }
    expect(cost.iterationNs(emptyBatch())).toBe(0);
    expect(cost.devices).toBe(12);
  });

  it("counts the energy of both sides", () => {
    const shape = decoding(64, 1000);
    const cost = split("Llama-3.1-8B");
    const ns = cost.iterationNs(shape);
    const one = whole("Llama-3.1-8B").iterationJoules!(shape, ns);
    // Two boards, each idle while the other works: more than one board that does it all, less than two.
    expect(cost.iterationJoules!(shape, ns)).toBeGreaterThan(one);
    expect(cost.iterationJoules!(shape, ns)).toBeLessThan(2 * one);
  });

  it("keeps KV where attention is, and weights where they are used", () => {
    const engine = { maxBatchedTokens: 512, maxSequences: 64, blockTokens: 16, memoryFraction: 0.9 };
    for (const model of ["Llama-3.1-8B", "Qwen3-30B-A3B"]) {
      const architecture = must(knownArchitecture(model), model);
      const budget = (side?: "attention") =>
        kvBudget({ architecture, sheet: SHEET, parallel: ONE_DEVICE, precision: BF16, engine, ...(side && { side }) });
      const [all, attention] = [budget(), budget("attention")];
      const ffn = ffnWeights({
        architecture,
        sheet: SHEET,
        parallel: ffnCut({ tensor: 1, expert: 1 }),
        precision: BF16,
        engine,
        groupTokens: 512,
      });
      if (!all.ok || !attention.ok || !ffn.ok) throw new TypeError("it fits");
      expect(attention.value.weightBytes + ffn.value).toBeCloseTo(all.value.weightBytes, 0);
      expect(attention.value.kvBytes - all.value.kvBytes).toBeCloseTo(ffn.value, 0);
    }
  });

  it("is refused where it cannot be", () => {
    const fault = (...args: Parameters<typeof given>): string => {
      const made = splitFfnCost(given(...args));
      return made.ok ? "none" : iterationFaultText(made.error);
    };
    expect(fault("Llama-3.1-8B", {}, { pipeline: 2 })).toContain("pipeline stages beside FFN devices");
    expect(fault("Qwen3-30B-A3B", {}, { tensor: 2, expert: 2 })).toContain("the experts are on the FFN side");
    expect(fault("Qwen3-30B-A3B", { expert: 256 })).toContain("128 experts over 256 expert ranks");
    expect(fault("Llama-3.1-8B", { expert: 2 })).toContain("for a model without experts");
    expect(fault("Llama-3.1-8B", {}, { tensor: 5 })).toContain("heads over 5 tensor ranks");
    // 671 GB of experts on 4 devices of 80 GB.
    const architecture = must(knownArchitecture("DeepSeek-V3"), "it is known");
    const engine = { maxBatchedTokens: 512, maxSequences: 64, blockTokens: 16, memoryFraction: 0.9 };
    const cut = ffnCut({ tensor: 1, expert: 4 });
    const weights = ffnWeights({
      architecture,
      sheet: SHEET,
      parallel: cut,
      precision: { weights: "f8e4m3", kv: "bf16" },
      engine,
      groupTokens: 512,
    });
    expect(weights.ok ? "none" : iterationFaultText(weights.error)).toContain("feed-forwards on the FFN side");
  });
});
