/**
 * Goal: attention to chosen tokens is priced as engines' blocks were timed, and every part of it counts.
 * Method: rows of AIConfigurator's tables (aiconfigurator-core 0.12.0, kernels of the engines named) by hand; queries that differ in one field.
 */
import { describe, expect, it } from "vitest";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { ONE_DEVICE } from "../../iteration/cut.ts";
import { decoderBlocks } from "../../iteration/decoder-blocks.ts";
import { sequenceBytes } from "../../iteration/kv-bytes.ts";
import { weightBytes } from "../../iteration/weight-bytes.ts";
import type { SparseAttentionQuery } from "../operator-query.ts";
import { sparseWork } from "../operator-work.ts";
import { engineOperators, physicsModel } from "./physics-model.ts";

const GLM: Omit<SparseAttentionQuery, "phase" | "batch" | "tokens" | "context" | "heads"> = {
  op: "sparse-attention",
  width: 6144,
  queryRank: 2048,
  kvRank: 512,
  plainDim: 192,
  rotatedDim: 64,
  valueDim: 256,
  chosen: 2048,
  indexHeads: 32,
  indexDim: 128,
  type: "f8e4m3",
  blockScaled: true,
  kvType: "f8e4m3",
};

function decode(batch: number, context: number, changes: Partial<SparseAttentionQuery> = {}): SparseAttentionQuery {
  return { ...GLM, phase: "decode", batch, tokens: 1, context, heads: 8, ...changes };
}

function prefill(tokens: number, context: number, changes: Partial<SparseAttentionQuery> = {}): SparseAttentionQuery {
  return { ...GLM, phase: "prefill", batch: 1, tokens, context, heads: 8, ...changes };
}

function microseconds(device: string, engine: string | undefined, query: SparseAttentionQuery): number {
  const priced = engineOperators(deviceSheet(device), engine).price(query);
  if (!priced.ok) throw new Error(priced.error.missing);
  return priced.value.ns / 1000;
}

const GLM_BF16 = { type: "bf16", blockScaled: false, kvType: "bf16" } as const;
const DEEPSEEK = { width: 7168, queryRank: 1536, plainDim: 128, valueDim: 128, indexHeads: 64 } as const;

/** Device, engine, query, measured microseconds. */
const MEASURED: readonly (readonly [string, string | undefined, SparseAttentionQuery, number])[] = [
  ["b200-sxm", "sglang", decode(1, 1025), 62],
  ["b200-sxm", "sglang", decode(64, 4097), 117],
  ["b200-sxm", "sglang", decode(128, 2049), 128],
  ["b200-sxm", "sglang", decode(1, 131_073), 126],
  ["b200-sxm", "sglang", decode(64, 4097, { heads: 64 }), 154],
  ["b200-sxm", "sglang", prefill(16_384, 0), 5130],
  ["b200-sxm", "sglang", prefill(8192, 65_536, { heads: 64 }), 7035],
  ["b200-sxm", "trtllm", decode(64, 131_073, { ...DEEPSEEK, heads: 16, kvType: "bf16" }), 411],
  ["b200-sxm", "trtllm", prefill(8192, 0, { ...DEEPSEEK, heads: 8, kvType: "bf16" }), 3916],
  ["h200-sxm", "sglang", decode(64, 4097, { ...GLM_BF16, heads: 16 }), 150],
  ["h200-sxm", "sglang", decode(1, 131_073, GLM_BF16), 142],
];

describe("times of whole blocks", () => {
  it.each(MEASURED)("%s, %s: %o takes %d us: decodes within 30 %, prompts within what is stated", (device, engine, query, measured) => {
    const priced = engineOperators(deviceSheet(device), engine).price(query);
    const [ns, spread] = priced.ok ? [priced.value.ns, priced.value.spread] : [Number.NaN, 0];
    const most = 1 + (query.phase === "decode" ? 0.3 : spread);
    expect(ns / 1000 / measured).toBeLessThan(most);
    expect(measured / (ns / 1000)).toBeLessThan(most);
  });

  it("grow with batch, context and new tokens on every family, with jumps only upwards where scores begin", () => {
    for (const device of ["h100-sxm", "gb300", "a100-sxm", "rtx-4090", "mi300x"]) {
      const model = physicsModel(deviceSheet(device));
      const changes = device === "a100-sxm" ? GLM_BF16 : {};
      const growing: readonly ((size: number) => SparseAttentionQuery)[] = [
        (size) => decode(size, 4000, changes),
        (size) => decode(16, 4 * size, changes),
        (size) => prefill(2 * size, 0, changes),
        (size) => prefill(64, 8 * size, changes),
      ];
      for (const [index, query] of growing.entries()) {
        let before = 0;
        for (let size = 1; size < 3000; size += 1 + Math.floor(size / 8)) {
          const priced = model.price(query(size));
          const ns = priced.ok ? priced.value.ns : Number.NaN;
          expect(ns, `${device} ${index} ${size}`).toBeGreaterThanOrEqual(before * (1 - 1e-9));
          before = ns;
        }
      }
    }
  });

  it("attention stops growing at what is chosen, scores do not, and a shared choice has none", () => {
    const shared = { indexHeads: 0 };
    const at = (query: SparseAttentionQuery): number => microseconds("b200-sxm", "sglang", query);
    expect(at(decode(64, 100_000, shared))).toBe(at(decode(64, 2048, shared)));
    expect(at(decode(64, 100_000))).toBeGreaterThan(1.5 * at(decode(64, 2048)));
    expect(at(prefill(8192, 0, shared))).toBeLessThan(at(prefill(8192, 0)));
  });

  it("tensor ranks share heads and not the indexer", () => {
    const own = (heads: number): number =>
      microseconds("h200-sxm", "trtllm", decode(64, 65_536, { heads })) -
      microseconds("h200-sxm", "trtllm", decode(64, 65_536, { heads, indexHeads: 0 }));
    expect(own(8)).toBeCloseTo(own(64), 6);
  });
});

it("counts operations and bytes by hand", () => {
  const rows = 3;
  const block = 6144 * (2048 + 576) + 2048 * 8 * 256 + 8 * 256 * 6144 + 512 * 8 * 448;
  const indexer = 32 * (128 * 2048 + 6144) + 128 * 6144;
  const scored = rows * 9000 * 32 * 128;
  expect(sparseWork(decode(3, 9000)).ops).toBe(2 * (rows * (block + indexer) + rows * 2048 * 8 * (2 * 512 + 64) + scored));
  expect(sparseWork(decode(3, 9000)).bytes).toBe(block + indexer + 2 * rows * 6144 * 2 + rows * 2048 * 576 + rows * 9000 * 128);
  expect(sparseWork(decode(3, 2048)).bytes).toBe(block + indexer + 2 * rows * 6144 * 2 + rows * 2048 * 576);
});

describe("memory of GLM-5", () => {
  const model = decoderBlocks(knownArchitecture("GLM-5")!);
  if (!model.ok) throw new Error("GLM-5 is a decoder");
  const eight = { weights: "f8e4m3", kv: "f8e4m3" } as const;

  it("has an index key beside the latent vector of every token, whatever the format of the latter", () => {
    expect(sequenceBytes(model.value, ONE_DEVICE, eight)).toEqual({ perToken: 78 * (576 + 132), perSequence: 0 });
    expect(sequenceBytes(model.value, { ...ONE_DEVICE, tensor: 8 }, { ...eight, kv: "bf16" }).perToken).toBe(78 * (1152 + 132));
  });

  it("has the whole indexer on every tensor rank", () => {
    const plain = { ...model.value, blocks: model.value.blocks.map(withoutIndexer) };
    const indexer = 78 * (32 * (128 * 2048 + 6144) + 128 * 6144);
    for (const tensor of [1, 8]) {
      const cut = { ...ONE_DEVICE, tensor };
      expect(weightBytes(model.value, cut, eight) - weightBytes(plain, cut, eight)).toBeCloseTo(indexer, -2);
    }
  });

  function withoutIndexer<T extends { readonly block: { readonly kind: string } }>(counted: T): T {
    const { indexer: _unused, ...block } = counted.block as { readonly kind: string; readonly indexer?: unknown };
    return { ...counted, block };
  }
});
