// Goal: sizes and times of adapters are those of their products on tensor ranks. Method: models small enough to count by hand, and relations that must hold.
import { describe, expect, it } from "vitest";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import { engineOperators } from "../../operator/physics/physics-model.ts";
import { ONE_DEVICE } from "../cut.ts";
import { type DecoderBlocks, decoderBlocks } from "../decoder-blocks.ts";
import { adapterBytes, adapterParameters, adapterShare, adapterTensors } from "./lora-bytes.ts";
import { type AdaptedModule, type AdaptedProduct, adaptedProducts } from "./lora-products.ts";
import { loraTime } from "./lora-time.ts";

const ALL: readonly AdaptedModule[] = ["q", "k", "v", "o", "gate", "up", "down"];

function blocks(model: string): DecoderBlocks {
  const read = decoderBlocks(knownArchitecture(model)!);
  if (!read.ok) throw new TypeError(model);
  return read.value;
}

function products(model: string, modules: readonly AdaptedModule[] = ALL): readonly AdaptedProduct[] {
  const answer = adaptedProducts(blocks(model), modules);
  if (!answer.ok) throw new TypeError(JSON.stringify(answer.error));
  return answer.value;
}

describe("sizes of adapters", () => {
  it("are shared by tensor ranks: one half of each product, or both where fully sharded", () => {
    const of = (tensor: number, fullySharded: boolean, modules: readonly AdaptedModule[]): number =>
      adapterBytes(products("Llama-3.1-8B", modules), 16, { cut: { ...ONE_DEVICE, tensor }, fullySharded, elementBytes: 2 });
    const bytes = 32 * 16 * 2;
    expect(of(1, false, ["q"])).toBe(bytes * (4096 + 4096));
    expect(of(2, false, ["q"])).toBe(bytes * (4096 + 2048));
    expect(of(2, true, ["q"])).toBe(bytes * (2048 + 2048));
    expect(of(2, false, ["down"])).toBe(bytes * (7168 + 4096));
    expect(of(2, true, ["down"])).toBe(bytes * (7168 + 2048));
    // 8 KV heads: beyond 8 ranks a part is repeated.
    expect(of(16, false, ["k"])).toBe(bytes * (4096 + 128));
    expect(of(8, true, ALL)).toBe(of(1, false, ALL) / 8);
  });

  it("count the parts of a product that adapters change, and stages their layers", () => {
    const [qkv] = products("Llama-3.1-8B", ["q", "v"]);
    expect(qkv).toMatchObject({ cut: "column", inputs: 4096, layers: 32 });
    expect(adapterShare(qkv!, 1, false).outputs).toEqual([4096, 1024]);
    const cut = { cut: { ...ONE_DEVICE, pipeline: 4 }, fullySharded: false, elementBytes: 2 };
    expect(adapterBytes(products("Llama-3.1-8B"), 16, cut)).toBe((41_943_040 * 2) / 4);
  });

  it("have a pair for every expert, cut as a dense layer's", () => {
    // 48 layers of 128 experts of 768 by 2,048, three products each; queries of 32 heads and keys and values of 4, of 128.
    const experts = 48 * 128 * 3 * (2048 + 768);
    const attention = 48 * (2 * (2048 + 4096) + 2 * (2048 + 512));
    expect(adapterParameters(products("Qwen3-30B-A3B"), 16)).toBe(16 * (experts + attention));
    // On two tensor ranks: gate and up share outputs, down its inputs; k and v have four heads to share.
    const shared = 48 * 128 * (2 * (2048 + 384) + (384 + 2048)) + 48 * (2048 + 2048 + 2 * (2048 + 256) + 2048 + 2048);
    const cut = { cut: { ...ONE_DEVICE, tensor: 2 }, fullySharded: false, elementBytes: 2 };
    expect(adapterBytes(products("Qwen3-30B-A3B"), 16, cut)).toBe(2 * 16 * shared);
    // A slot holds what all experts have in one tensor: two for each of seven products.
    expect(adapterTensors(products("Qwen3-30B-A3B"), ONE_DEVICE)).toBe(48 * 2 * 7);
    // Shared experts are dense beside them: GLM-4.5-Air has 128 experts of 1,408 and one that all tokens visit, in 45 of 46 layers.
    const down = products("GLM-4.5-Air").filter(({ cut: way, inputs }) => way === "row" && inputs === 1408);
    expect(down.map(({ layers, experts: each }) => [layers, each?.count])).toEqual([
      [45, 128],
      [45, undefined],
    ]);
  });

  it("of latent attention are whole on every rank to the latent vectors, and shared from there", () => {
    const latent = (tensor: number, fullySharded: boolean): number =>
      adapterBytes(products("DeepSeek-V3", ["q_a", "kv_a", "q_b", "o"]), 16, {
        cut: { ...ONE_DEVICE, tensor },
        fullySharded,
        elementBytes: 2,
      });
    // 61 layers of 128 heads: 7,168 to 1,536 and 512 + 64, 1,536 to heads of 128 + 64, and heads of 128 to 7,168.
    const a = 2 * 7168 + 1536 + 576;
    expect(latent(1, false)).toBe(61 * 16 * 2 * (a + 1536 + 128 * 192 + 128 * 128 + 7168));
    expect(latent(8, false)).toBe(61 * 16 * 2 * (a + 1536 + 16 * 192 + 16 * 128 + 7168));
    // Fully sharded: the rank of q_b's first half and the outputs of o's second, and nothing of the products that each rank has whole.
    expect(latent(8, true)).toBe(61 * 16 * 2 * (a + 1536 / 8 + 16 * 192 + 16 * 128 + 7168 / 8));
    // Queries of DeepSeek-V2-Lite are one product: 16 heads of 192 from 2,048.
    const lite = products("DeepSeek-V2-Lite", ["q", "kv_a", "o"]);
    expect(adapterParameters(lite, 8)).toBe(27 * 8 * (2048 + 16 * 192 + 2048 + 576 + 16 * 128 + 2048));
    expect(lite.map(({ cut }) => cut)).toEqual(["column", "whole", "row"]);
  });

  it("have no basis for experts elsewhere, keys and values of latent attention, and products that are not there", () => {
    const refusal = (model: string, modules: readonly AdaptedModule[]): string => JSON.stringify(adaptedProducts(blocks(model), modules));
    expect(refusal("Qwen3-30B-A3B", ["q", "gate", "up", "down"])).toContain(
      "adapters of experts (gate, up, down) are simulated beside those of all",
    );
    const elsewhere = (engine: "vllm" | "sglang", expertRanks: number): string =>
      JSON.stringify(adaptedProducts(blocks("Qwen3-30B-A3B"), ALL, { engine, expertRanks }));
    expect(elsewhere("sglang", 1)).toContain("are simulated on vllm alone");
    expect(elsewhere("vllm", 8)).toContain("on expert ranks are not simulated");
    expect(refusal("DeepSeek-V3", ["q"])).toContain("the model has no q that adapters could change");
    expect(refusal("DeepSeek-V3", ["q_b", "k", "v"])).toContain("latent attention has no k, v: name q_a, kv_a and q_b");
    expect(refusal("DeepSeek-V3", ["q_a", "kv_b"])).toContain("adapters of kv_b are not in decodes of vllm");
    const onSglang = adaptedProducts(blocks("DeepSeek-V3"), ["kv_b"], { engine: "sglang", expertRanks: 1 });
    expect(JSON.stringify(onSglang)).toContain("adapters of kv_b are added head by head in decodes of sglang");
    expect(refusal("DeepSeek-V3", ["q_a", "gate", "up", "down"])).toContain("beside those of latent attention are not simulated");
    expect(refusal("Llama-3.1-8B", ["q_a"])).toContain("the model has no q_a");
    expect(refusal("Qwen3-30B-A3B", ["q", "o"])).toContain('"ok":true');
    expect(refusal("OPT-13B", ["gate", "up"])).toContain("the model has no gate");
  });
});

describe("time of adapters", () => {
  const sheet = deviceSheet("h100-sxm");
  const time = (options: { readonly tensor?: number; readonly fullySharded?: boolean } = {}) => {
    const { tensor = 1, fullySharded = false } = options;
    const operators = engineOperators(sheet, "vllm");
    const network = {
      source: "test",
      price: () => ({ ok: true as const, value: { ns: 7000, spread: 0, basis: "data-sheet" as const, source: "test" } }),
    };
    const cut = { ...ONE_DEVICE, tensor };
    const answer = loraTime({
      products: products("Llama-3.1-8B"),
      sheet,
      cut,
      operators,
      network,
      perNode: 8,
      fullySharded,
      elementBytes: 2,
    });
    if (!answer.ok) throw new TypeError("no time");
    return (adapters: number, rank: number, tokens: number, batches = 1): number =>
      answer.value({ adapters, ranks: adapters * rank, tokens, rankTokens: tokens * rank }, batches);
  };

  it("grows with adapters, ranks and tokens, and is nothing without adapters", () => {
    const of = time();
    expect(of(0, 16, 0)).toBe(0);
    expect(of(8, 16, 64)).toBeGreaterThan(of(1, 16, 64));
    expect(of(8, 64, 64)).toBeGreaterThan(of(8, 16, 64));
    expect(of(8, 16, 2048)).toBeGreaterThan(of(8, 16, 64));
    // Weights of 64 adapters of rank 64 take the memory's bandwidth: at least their bytes at its peak.
    const least = ((64 * 4 * 41_943_040 * 2) / sheet.memory.bandwidthBytesPerSecond.value) * 1e9;
    expect(of(64, 64, 64)).toBeGreaterThan(least);
    expect(of(64, 64, 64)).toBeLessThan(3 * least);
  });

  it("falls with tensor ranks, and exchanges where both halves are shared", () => {
    expect(time({ tensor: 4 })(32, 64, 32)).toBeLessThan(time()(32, 64, 32));
    const exchanged = 32 * 4 * 7000;
    expect(time({ tensor: 4, fullySharded: true })(1, 16, 1)).toBeGreaterThan(exchanged);
    expect(time({ tensor: 4, fullySharded: true })(1, 16, 1)).toBeLessThan(exchanged + time({ tensor: 4 })(1, 16, 1) * 1.01);
  });

  it("has no exchange where every rank has a product whole", () => {
    const free: OperatorModel = { source: "test", price: () => ({ ok: true, value: { ns: 0, spread: 0, basis: "data-sheet" } }) };
    const links: OperatorModel = { source: "test", price: () => ({ ok: true, value: { ns: 7000, spread: 0, basis: "data-sheet" } }) };
    const exchanged = (modules: readonly AdaptedModule[]): number => {
      const given = { sheet: { ...sheet, peaks: {} }, cut: { ...ONE_DEVICE, tensor: 8 }, operators: free, network: links };
      const made = loraTime({ ...given, products: products("DeepSeek-V3", modules), perNode: 8, fullySharded: true, elementBytes: 2 });
      return made.ok ? made.value({ adapters: 1, ranks: 16, tokens: 4, rankTokens: 64 }, 1) : Number.NaN;
    };
    expect(exchanged(["q_a", "kv_a"])).toBe(0);
    expect(exchanged(["q_a", "kv_a", "q_b", "o"])).toBe(2 * 61 * 7000);
  });

  it("streams the experts that an adapter's tokens touch, and a row for each visit", () => {
    // One GB/s: a nanosecond a byte. A product of 4 to 6 in one layer of 8 experts, of which a token visits two.
    const operators: OperatorModel = {
      source: "test",
      price: (query) => ({ ok: true, value: { ns: query.op === "stream" ? query.bytes : 0, spread: 0, basis: "data-sheet" } }),
    };
    const one: AdaptedProduct = {
      cut: "column",
      inputs: 4,
      parts: [{ outputs: 6, pieces: 1e9 }],
      layers: 1,
      experts: { count: 8, active: 2 },
    };
    const made = loraTime({ products: [one], sheet, cut: ONE_DEVICE, operators, perNode: 8, fullySharded: false, elementBytes: 2 });
    const of = (adapters: number, tokens: number): number =>
      made.ok ? made.value({ adapters, ranks: adapters * 16, tokens, rankTokens: tokens * 16 }, 1) : Number.NaN;
    // Two tokens of one adapter touch 8 (1 - 0.75^2) = 3.5 experts, of two adapters two each. Rows: four; 16 x 4 bytes between the halves.
    const bytes = (touched: number, rows: number): number => touched * 16 * (4 + 6) * 2 + rows * (4 * 2 + 2 * 6 * 2) + 2 * rows * 16 * 4;
    expect(of(1, 2) / bytes(3.5, 4)).toBeCloseTo(1, 2);
    expect(of(2, 2) / bytes(4, 4)).toBeCloseTo(1, 2);
    expect(of(1, 1) / bytes(2, 2)).toBeCloseTo(1, 2);
    // Many tokens touch all of them.
    expect(of(1, 400) / bytes(8, 800)).toBeCloseTo(1, 2);
  });

  it("is that of the tokens of a part where a pipeline cuts the batch", () => {
    expect(time()(64, 16, 64, 4)).toBeCloseTo(time()(16, 16, 16), -1);
  });
});
