// Goal: what memory has room for and what kernels read are one figure for every format. Method: weights of one product a layer, counted by both.
import { describe, expect, it } from "vitest";
import { must } from "../../base/assert.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { ELEMENT_BYTES } from "../../graph/ir/graph.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import { ONE_DEVICE } from "../iteration/cut.ts";
import { type DecoderBlocks, decoderBlocks } from "../iteration/decoder-blocks.ts";
import { sequenceBytes } from "../iteration/kv-bytes.ts";
import { narrowWeights } from "../iteration/narrow-weights.ts";
import { decoderParameters, weightBytes } from "../iteration/weight-bytes.ts";
import type { OperatorModel } from "./operator-model.ts";
import { decodeWork, productWork } from "./operator-work.ts";
import { engineOperators } from "./physics/physics-model.ts";
import { storedBytes } from "./stored-bytes.ts";
import { tileModel } from "./tile/tile-model.ts";

const TYPES: readonly PeakType[] = ["f64", "f32", "f16", "bf16", "f8e4m3", "f8e5m2", "f4e2m1", "i8", "i4"];
const LLAMA = mustBlocks("Llama-3.1-8B");

function mustBlocks(name: string): DecoderBlocks {
  const found = decoderBlocks(must(knownArchitecture(name), name));
  if (!found.ok) throw new Error(found.error.code);
  return found.value;
}

describe("bytes of an element", () => {
  it.each(TYPES)("%s: memory holds what products and attention read", (type) => {
    const held =
      (weightBytes(LLAMA, ONE_DEVICE, { weights: type, kv: "bf16" }) - 2 * decoderParameters(LLAMA).plain) / decoderParameters(LLAMA).dense;
    const work = (n: number) => productWork({ op: "product", m: 1, n, k: 4096, type: "bf16", weightType: type }).bytes;
    const outputs = 4096 * 2;
    expect(held).toBeCloseTo((work(8192) - work(4096) - outputs) / 4096 / 4096, 12);
    const kv = (context: number) =>
      decodeWork({ op: "decode-attention", batch: 1, context, heads: 32, kvHeads: 8, headDim: 128, window: 0, kvType: type }).bytes;
    expect(sequenceBytes(LLAMA, ONE_DEVICE, { weights: "bf16", kv: type }).perToken).toBeCloseTo(32 * (kv(2) - kv(1)), 6);
  });

  it("has a scale for as many 4-bit weights as the checkpoint says: 4.5 bits in groups of 32, 9 % more than in groups of 128", () => {
    expect(storedBytes("i4", 32)).toBe(4.5 / 8);
    expect(storedBytes("i4", 32) / storedBytes("i4", undefined)).toBeCloseTo(1.09, 2);
    expect(storedBytes("f8e4m3", 32)).toBe(1);
    const kimi = mustBlocks("Kimi-K2");
    const formats = { weights: "bf16", experts: "i4", kv: "bf16" } as const;
    const { dense, routed, shared, plain } = decoderParameters(kimi);
    expect(kimi.weightGroup).toBe(32);
    expect(weightBytes(kimi, ONE_DEVICE, formats)).toBeCloseTo(2 * (dense + plain) + (routed + shared) * 0.5625, -3);
    const read = (weightGroup: number): number =>
      productWork({ op: "product", m: 1, n: 8192, k: 4096, type: "bf16", weightType: "i4", weightGroup }).bytes;
    expect(read(32) - read(128)).toBe(8192 * 4096 * (2 / 32 - 2 / 128));
    // Reading weights is most of it where memory is slow beside the cores.
    const packed = { op: "product", m: 1, n: 8192, k: 8192, type: "bf16", weightType: "i4" } as const;
    const experts = {
      op: "experts",
      tokens: 8,
      width: 7168,
      inner: 2048,
      active: 8,
      experts: 384,
      ranks: { tensor: 1, expert: 8 },
    } as const;
    const grouped = { ...experts, type: "bf16", weightType: "i4", load: "balanced" } as const;
    const sheet = deviceSheet("l40s");
    const asked = [
      [engineOperators(sheet, "vllm"), packed, 1.07],
      [tileModel(sheet), packed, 1.07],
      [engineOperators(deviceSheet("h200-sxm"), "vllm"), grouped, 1.005],
    ] as const;
    for (const [model, query, least] of asked) {
      const ns = (weightGroup?: number): number => {
        const found = model.price({ ...query, ...(weightGroup === undefined ? {} : { weightGroup }) });
        return found.ok ? found.value.ns : expect.unreachable();
      };
      expect(ns(32) / ns()).toBeGreaterThan(least);
      expect(ns(32) / ns()).toBeLessThan(1.1);
      expect(ns(128)).toBe(ns());
    }
  });

  it("is asked of operators in the groups of the model's checkpoint", () => {
    const asked: unknown[] = [];
    const listening = {
      source: "test",
      price: (query: unknown) => {
        asked.push(query);
        return { ok: true, value: { ns: 1, spread: 0, basis: "measured" } };
      },
    };
    const narrow = narrowWeights(listening as OperatorModel, deviceSheet("h200-sxm"), { kernels: "measured", weightGroup: 32 });
    narrow.price({ op: "product", m: 1, n: 64, k: 64, type: "i4" });
    narrow.price({ op: "product", m: 1, n: 64, k: 64, type: "bf16" });
    expect(asked).toEqual([
      { op: "product", m: 1, n: 64, k: 64, type: "bf16", weightType: "i4", weightGroup: 32 },
      { op: "product", m: 1, n: 64, k: 64, type: "bf16" },
    ]);
  });

  it("holds scales on top of a file's payload where a format has them, and nothing else", () => {
    for (const type of TYPES) {
      const scales =
        weightBytes(LLAMA, ONE_DEVICE, { weights: type, kv: "bf16" }) -
        2 * decoderParameters(LLAMA).plain -
        decoderParameters(LLAMA).dense * ELEMENT_BYTES[type];
      expect(scales / decoderParameters(LLAMA).dense, type).toBeCloseTo(type === "f4e2m1" ? 1 / 16 : type === "i4" ? 2 / 128 : 0, 9);
    }
  });
});
