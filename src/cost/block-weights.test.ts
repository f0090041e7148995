// Goal: what `block-int8` holds in 4 and in 8 bits follows from a file's tensors, and so do bytes and prices. Method: hand-made tensors and tables.
import { describe, expect, it } from "vitest";
import { fastCore, smallSpec, syntheticCalibration, syntheticDevice, withKernels } from "../../test/support/synthetic-rack.ts";
import type { WeightFormat } from "../graph/decoder/weights.ts";
import { blockBits, eightBitShare } from "./block-weights.ts";
import { decodeWeightBytes } from "./decoder-shape.ts";
import { operatorPricer } from "./operator-cost.ts";
import { blockPricer } from "./product-cost.ts";

const tensors = new Map<string, { readonly format: WeightFormat; readonly shape: readonly number[] }>([
  ["embedding", { format: "Q6_K", shape: [100, 32] }],
  ["head", { format: "Q4_0", shape: [100, 32] }],
  ["layers.0.attention-norm", { format: "F32", shape: [32] }],
  ["layers.0.q", { format: "Q4_K", shape: [32, 32] }],
  ["layers.0.k", { format: "Q4_0", shape: [16, 32] }],
  ["layers.0.v", { format: "Q6_K", shape: [16, 32] }],
  ["layers.0.o", { format: "Q4_0", shape: [32, 32] }],
  ["layers.1.q", { format: "Q4_0", shape: [32, 32] }],
  ["layers.0.down", { format: "Q8_0", shape: [32, 96] }],
]);
const table = withKernels(syntheticCalibration(fastCore), 100);

describe("weights in block-int8", () => {
  it("have 4 bits where the file's blocks have, else 8", () => {
    const formats: readonly WeightFormat[] = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K"];
    expect(formats.map(blockBits)).toEqual([8, 8, 8, 4, 4, 8, 4, 8]);
  });

  it("are counted by elements, products of several tensors as one, the head by the tensor it is", () => {
    // In 8 bits are down, 3 x 1024, and queries, keys and values together, 2 x 1024; in 4 the output and the other layer's queries, 1024 each.
    expect(eightBitShare({ tensors }, { tiedHead: false })).toEqual({ layers: 5 / 7, head: 0 });
    expect(eightBitShare({ tensors }, { tiedHead: true })).toEqual({ layers: 5 / 7, head: 1 });
  });

  it("take the bytes of their blocks", () => {
    const stage = { fromLayer: 0, toLayer: 30, decodeFormat: "block-int8" } as const;
    const layers = 30 * 576 * (960 + 576 + 3072 + 1536);
    expect(decodeWeightBytes(smallSpec, stage, { layers: 0, head: 1 })).toBe(layers * 0.625 + 49_152 * 576 * 1.125);
    expect(decodeWeightBytes(smallSpec, { ...stage, toLayer: 15 }, { layers: 1, head: 1 })).toBe((layers / 2) * 1.125);
  });
});

describe("prices of block-int8", () => {
  it("lie between those of both kinds of weights by their share", () => {
    const [fours, mixed, eights] = [0, 0.5, 1].map((share) => blockPricer(table.products, share, 0.05)!(4, 3072, 576).ns);
    expect(eights! / fours!).toBeCloseTo(1.5, 6);
    expect(mixed!).toBeCloseTo((fours! + eights!) / 2, 3);
    expect(
      blockPricer(
        table.products.filter(({ bits }) => bits !== 8),
        0.5,
        0.05,
      ),
    ).toBeUndefined();
  });

  it("are a step's products, attention and fixed costs, and the same head for prompts", () => {
    const stage = {
      fromLayer: 0,
      toLayer: 30,
      device: "a",
      driver: "ort",
      threads: 1,
      prefillFormat: "int8-row",
      decodeFormat: "block-int8",
    } as const;
    const priced = operatorPricer(smallSpec, stage, {
      device: syntheticDevice("a", { calibration: table }),
      eightBit: { layers: 0, head: 1 },
    });
    if (!priced.ok) throw new TypeError(priced.error.missing);
    const product = (m: number, n: number, k: number, bits: 4 | 8): number => (bits === 8 ? 1.5 : 1) * (500 + (2 * m * n * k) / 100);
    const layer = (m: number): number =>
      product(m, 960, 576, 4) +
      product(m, 576, 576, 4) +
      product(m, 3072, 576, 4) +
      product(m, 576, 1536, 4) +
      1_000 +
      m * 512 * 20 +
      2_000;
    const head = product(4, 49_152, 576, 8);
    const decode = priced.value.decode({ prefill: [], decodeContexts: [512, 512, 512, 512], sampledRows: 4 });
    expect(decode.ns / (20_000 + 30 * layer(4) + head)).toBeCloseTo(1, 6);
    const chunk = { prefill: [{ count: 64, context: 64 }], decodeContexts: [] };
    const sampled = priced.value.prefill({ ...chunk, sampledRows: 1 }).ns - priced.value.prefill({ ...chunk, sampledRows: 0 }).ns;
    expect(sampled / product(1, 49_152, 576, 8)).toBeCloseTo(1, 6);
  });

  it("want the kernels measured, not refused", () => {
    const stage = {
      fromLayer: 0,
      toLayer: 30,
      device: "a",
      driver: "ort",
      threads: 1,
      prefillFormat: "int4",
      decodeFormat: "block-int8",
    } as const;
    const device = syntheticDevice("a", { calibration: { ...table, kernels: { refused: "no relaxed SIMD" } } });
    expect(operatorPricer(smallSpec, stage, { device })).toEqual({
      ok: false,
      error: { code: "no-basis", device: "a", missing: "block-int8 products" },
    });
  });
});
