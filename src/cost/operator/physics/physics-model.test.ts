import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { GENERIC } from "./families/generic.ts";
import { familyOf } from "./families.ts";
import { physicsModel } from "./physics-model.ts";

function ns(sheet: DeviceSheet, query: OperatorQuery, constants = familyOf(sheet)): number {
  const result = physicsModel(sheet, constants).price(query);
  if (!result.ok) throw new Error(result.error.missing);
  return result.value.ns;
}

const product = (m: number, n: number, k: number): OperatorQuery => ({ op: "product", m, n, k, type: "bf16" });
const decode = (batch: number, context: number): OperatorQuery => ({
  op: "decode-attention",
  batch,
  context,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  window: 0,
  kvType: "bf16",
});
const prefill = (batch: number, tokens: number, context = 0, window = 0): OperatorQuery => ({
  op: "prefill-attention",
  batch,
  tokens,
  context,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  window,
  type: "bf16",
  kvType: "bf16",
});
const experts = (tokens: number, load: "balanced" | { powerLaw: number } = "balanced"): OperatorQuery => ({
  op: "experts",
  tokens,
  width: 4096,
  inner: 1536,
  active: 8,
  experts: 128,
  ranks: { tensor: 1, expert: 8 },
  type: "bf16",
  load,
});
/** Experts on one device under the public tables' skewed load. */
const mixture = (tokens: number, format: { type?: "bf16" | "f8e4m3"; blockScaled?: boolean; weightType?: "i4" }): OperatorQuery => ({
  op: "experts",
  tokens,
  width: 4096,
  inner: 1536,
  active: 8,
  experts: 128,
  ranks: { tensor: 1, expert: 1 },
  type: "bf16",
  load: { powerLaw: 1.2 },
  ...format,
});
const latent = (phase: "prefill" | "decode", batch: number, tokens: number, context: number): OperatorQuery => ({
  op: "latent-attention",
  phase,
  batch,
  tokens,
  context,
  heads: 16,
  width: 7168,
  queryRank: 1536,
  kvRank: 512,
  plainDim: 128,
  rotatedDim: 64,
  valueDim: 128,
  type: "bf16",
  kvType: "bf16",
});
const ALL: readonly OperatorQuery[] = [
  product(1, 4096, 4096),
  product(4096, 8192, 8192),
  decode(1, 100),
  decode(64, 8192.5),
  prefill(1, 512),
  prefill(2, 4096, 8192, 1024),
  experts(1),
  experts(4096, { powerLaw: 1.2 }),
  latent("prefill", 1, 2048, 0),
  latent("decode", 32, 1, 4096),
  { op: "stream", bytes: 1e6 },
];

describe("physics of operators", () => {
  // Rows of aiconfigurator-ops (vLLM 0.19; A100: 0.14), Apache-2.0. Units: µs.
  const measured: readonly (readonly [string, OperatorQuery, number])[] = [
    ["h100-sxm", product(8192, 8192, 8192), 1459.8],
    ["h100-sxm", product(1, 8192, 8192), 47.8],
    ["h100-sxm", product(256, 4096, 4096), 18.9],
    ["a100-sxm", product(4096, 5120, 5120), 803.5],
    ["a100-sxm", product(16, 1024, 1024), 7.6],
    ["b200-sxm", product(1024, 16384, 16384), 359.3],
    ["h100-sxm", prefill(1, 8192), 787.6],
    ["h100-sxm", decode(64, 2048), 187.4],
    ["h100-sxm", latent("decode", 64, 1, 4097), 221.6],
    ["h100-sxm", latent("prefill", 1, 4096, 0), 755.4],
    ["h100-sxm", mixture(1024, {}), 1966.8],
    ["h100-sxm", mixture(1024, { type: "f8e4m3", blockScaled: true }), 1225.3],
    ["h100-sxm", mixture(1024, { weightType: "i4" }), 4699.9],
  ];

  it("holds measured rows inside its 90 % intervals, all but two at most, and not with figures of another device", () => {
    const outside = (sheetOf: (id: string) => DeviceSheet) =>
      measured.filter(([id, query, us]) => {
        const result = physicsModel(sheetOf(id)).price(query);
        if (!result.ok) throw new Error(result.error.missing);
        const { ns: predicted, spread, basis } = result.value;
        expect(basis).toBe("data-sheet");
        return predicted > us * 1e3 * (1 + spread) || predicted < (us * 1e3) / (1 + spread);
      }).length;
    expect(outside(deviceSheet)).toBeLessThanOrEqual(2);
    expect(outside(() => deviceSheet("l4"))).toBeGreaterThan(8);
  });

  it("prices every operator of one device as a finite time above its ideal", () => {
    for (const query of ALL) expect(ns(deviceSheet("h100-sxm"), query), JSON.stringify(query)).toBeGreaterThan(1000);
    // 64 x 8192.5 tokens x 8 heads x 2 x 128 x 2 bytes at 3.35 TB/s.
    expect(ns(deviceSheet("h100-sxm"), decode(64, 8192.5))).toBeGreaterThan((64 * 8192.5 * 8 * 2 * 128 * 2) / 3350);
  });

  it("grows with work", () => {
    const h100 = deviceSheet("h100-sxm");
    expect(ns(h100, decode(64, 8192))).toBeGreaterThan(ns(h100, decode(64, 4096)) * 1.6);
    expect(ns(h100, prefill(1, 8192))).toBeGreaterThan(ns(h100, prefill(1, 4096)) * 3);
    expect(ns(h100, prefill(1, 8192, 0, 1024))).toBeLessThan(ns(h100, prefill(1, 8192)) / 2);
    expect(ns(h100, experts(64))).toBeGreaterThan(ns(h100, experts(1)));
    expect(ns(h100, experts(4096, { powerLaw: 1.2 }))).toBeGreaterThan(ns(h100, experts(4096)));
    expect(ns(h100, latent("decode", 64, 1, 32768))).toBeGreaterThan(ns(h100, latent("decode", 64, 1, 4096)));
  });

  it("multiplies drafted tokens of latent attention with every key, which is read once", () => {
    const h100 = deviceSheet("h100-sxm");
    const more = (tokens: number): number =>
      ns(h100, latent("decode", 64, tokens, 65_536)) - ns(h100, latent("decode", 64, tokens, 32_768));
    // One row of 16 heads reads longer than it multiplies, many rows the other way round.
    expect(more(2)).toBeLessThan(1.3 * more(1));
    expect(more(64)).toBeGreaterThan(1.9 * more(32));
    expect(more(64)).toBeLessThanOrEqual(2 * more(32) * (1 + 1e-9));
  });

  it("is never faster for more rows, sequences, tokens, context or experts' tokens", () => {
    const sheets = ["h100-sxm", "a100-sxm", "rtx-4090", "mi300x", "tpu-v5p", "sambanova-sn40l"].map(deviceSheet);
    const growing: readonly ((size: number) => OperatorQuery)[] = [
      (size) => product(size, 4096, 4096),
      (size) => product(256, 16 * size, 4096),
      (size) => product(256, 4096, 16 * size),
      (size) => decode(size, 1000),
      (size) => decode(16, 7 * size),
      (size) => prefill(1, size, 333),
      (size) => prefill(4, 100, 3 * size),
      (size) => prefill(size, 100),
      (size) => experts(size),
      (size) => ({ op: "stream", bytes: 100_000 * size }),
    ];
    for (const sheet of sheets) {
      for (const [family, query] of growing.entries()) {
        let before = 0;
        for (let size = 1; size < 3000; size += 1 + Math.floor(size / 16)) {
          const now = ns(sheet, query(size));
          expect(now, `${sheet.id} ${family} ${size}`).toBeGreaterThanOrEqual(before * (1 - 1e-9));
          before = now;
        }
      }
    }
  });

  it("takes kernels that unpack weights for what they are: slower than wide ones where tokens are many", () => {
    const h100 = deviceSheet("h100-sxm");
    expect(ns(h100, mixture(1024, { weightType: "i4" }))).toBeGreaterThan(1.5 * ns(h100, mixture(1024, {})));
  });

  it("reads weights that are stored narrower than they multiply", () => {
    const packed: OperatorQuery = { op: "product", m: 1, n: 8192, k: 8192, type: "bf16", weightType: "i4" };
    expect(ns(deviceSheet("h100-sxm"), packed)).toBeLessThan(ns(deviceSheet("h100-sxm"), product(1, 8192, 8192)) / 2);
  });

  it("answers without basis where a figure or a network is missing", () => {
    const a100 = physicsModel(deviceSheet("a100-sxm"));
    expect(a100.price({ op: "product", m: 1, n: 1, k: 1, type: "f8e4m3" })).toEqual({
      ok: false,
      error: { code: "no-basis", missing: "the device's peak for f8e4m3" },
    });
    expect(a100.price({ op: "collective", kind: "all-reduce", bytes: 1, ranks: 2, ranksPerNode: 2 }).ok).toBe(false);
  });

  it("knows families by id, and takes wide bars for the rest", () => {
    expect(familyOf(deviceSheet("h200-sxm")).family).toBe("NVIDIA Hopper");
    expect(familyOf(deviceSheet("gb200")).family).toBe("NVIDIA Blackwell with HBM");
    expect(familyOf(deviceSheet("l40s")).family).toBe("NVIDIA Ada");
    expect(familyOf(deviceSheet("mi300x"))).toBe(GENERIC);
  });
});
