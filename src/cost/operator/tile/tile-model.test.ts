// Goal: the tile-level model answers "what if this figure were another". Method: more of anything is never slower, and each figure matters somewhere.
import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { DeviceSheet, Figure } from "../../../rack/catalog/device-sheet.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { operandTraffic } from "./memory-traffic.ts";
import { tileModel } from "./tile-model.ts";

const H100 = deviceSheet("h100-sxm");
const times = (figure: Figure, factor: number): Figure => ({ ...figure, value: figure.value * factor });

/** H100 with one figure changed. */
function changed(field: "bandwidth" | "cache" | "cacheRate" | "local" | "clock" | "peak", factor: number): DeviceSheet {
  const cores = H100.cores!;
  const cache = H100.cache!;
  const memory = H100.memory;
  switch (field) {
    case "bandwidth":
      return { ...H100, memory: { ...memory, bandwidthBytesPerSecond: times(memory.bandwidthBytesPerSecond, factor) } };
    case "cache":
      return { ...H100, cache: { ...cache, bytes: times(cache.bytes, factor) } };
    case "cacheRate": {
      const rate = { value: 5.5e12 * factor, basis: "measured", source: "test" } as const;
      return { ...H100, cache: { ...cache, bandwidthBytesPerSecond: rate } };
    }
    case "local":
      return { ...H100, cores: { ...cores, localBytes: times(cores.localBytes!, factor) } };
    case "clock":
      return { ...H100, cores: { ...cores, clockHz: times(cores.clockHz!, factor) } };
    case "peak":
      return { ...H100, peaks: { ...H100.peaks, bf16: times(H100.peaks.bf16!, factor) } };
  }
}

const product = (m: number, n: number, k: number): OperatorQuery => ({ op: "product", m, n, k, type: "bf16" });
const prefill = (tokens: number): OperatorQuery => ({
  op: "prefill-attention",
  batch: 2,
  tokens,
  context: 0,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  window: 0,
  type: "bf16",
  kvType: "bf16",
});
const decode = (batch: number): OperatorQuery => ({
  op: "decode-attention",
  batch,
  context: 4096,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  window: 0,
  kvType: "bf16",
});
const experts = (tokens: number): OperatorQuery => ({
  op: "experts",
  tokens,
  width: 4096,
  inner: 1536,
  active: 8,
  experts: 128,
  ranks: { tensor: 1, expert: 4 },
  type: "bf16",
  load: "balanced",
});
const latent = (phase: "prefill" | "decode", batch: number, context: number): OperatorQuery => ({
  op: "latent-attention",
  phase,
  batch,
  tokens: phase === "prefill" ? 1024 : 1,
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
const QUERIES: readonly OperatorQuery[] = [
  ...[1, 16, 128, 1000, 4096, 16384].flatMap((m) => [product(m, 4096, 4096), product(m, 28672, 8192), product(m, 512, 12288)]),
  prefill(1),
  prefill(500),
  prefill(8192),
  decode(1),
  decode(300),
  experts(4),
  experts(4096),
  latent("prefill", 2, 0),
  latent("decode", 64, 8192),
  { op: "stream", bytes: 1e4 },
  { op: "stream", bytes: 3e7 },
  { op: "stream", bytes: 1e9 },
];

function ns(sheet: DeviceSheet, query: OperatorQuery): number {
  const result = tileModel(sheet).price(query);
  if (!result.ok) throw new Error(result.error.missing);
  return result.value.ns;
}

describe("tile-level model", () => {
  const fields = ["bandwidth", "cache", "cacheRate", "local", "clock", "peak"] as const;

  it.each(fields)("is never slower with more %s, and is faster somewhere", (field) => {
    let faster = 0;
    for (const query of QUERIES) {
      let before = Infinity;
      for (const factor of [0.25, 0.5, 1, 2, 4]) {
        const now = ns(changed(field, factor), query);
        expect(now, `${field} x ${factor} ${JSON.stringify(query)}`).toBeLessThanOrEqual(before * (1 + 1e-9));
        if (now < before * 0.99 && before < Infinity) faster++;
        before = now;
      }
    }
    expect(faster).toBeGreaterThan(0);
  });

  it("is never faster for more rows of a product, and tends to its ideal", () => {
    let before = 0;
    for (let m = 256; m <= 65_536; m *= 2) {
      const now = ns(H100, product(m, 8192, 8192));
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
    const ideal = (2 * 65_536 * 8192 * 8192) / (H100.peaks.bf16!.value / 1e9);
    expect(before / ideal).toBeGreaterThan(1);
    expect(before / ideal).toBeLessThan(1.35);
  });

  it("reads weights that are stored narrower, and only those of experts with tokens", () => {
    const packed: OperatorQuery = { op: "product", m: 1, n: 8192, k: 8192, type: "bf16", weightType: "i4" };
    expect(ns(H100, packed)).toBeLessThan(ns(H100, product(1, 8192, 8192)) / 2);
    expect(ns(H100, experts(1))).toBeLessThan(ns(H100, experts(64)) / 1.5);
    expect(ns(H100, latent("decode", 64, 32_768))).toBeGreaterThan(ns(H100, latent("decode", 64, 8192)) * 2);
  });

  it("names the figure that is missing", () => {
    const { cache: _left, ...without } = H100;
    expect(tileModel(without).price(product(1, 1, 1))).toEqual({
      ok: false,
      error: { code: "no-basis", missing: `cache.bytes of ${H100.name}: the tile-level model needs it` },
    });
    expect(tileModel(H100).price({ op: "collective", kind: "all-reduce", bytes: 1, ranks: 2, ranksPerNode: 2 }).ok).toBe(false);
  });
});

describe("operand traffic", () => {
  const grid = { tilesM: 64, tilesN: 64, rows: 128, columns: 128, atOnce: 128 };

  it("is both operands once where they fit, and more the less is kept", () => {
    const bytes = 8192 * 8192 * 2;
    expect(operandTraffic(grid, bytes, bytes, 4 * bytes)).toBe(2 * bytes);
    const some = operandTraffic(grid, bytes, bytes, bytes);
    const none = operandTraffic(grid, bytes, bytes, 0);
    expect(some).toBeGreaterThanOrEqual(2 * bytes);
    expect(none).toBeGreaterThan(some);
  });
});
