// Goal: iterations are the stated sum over layers, read between and beyond what was measured. Method: tables of a few rows worked out by hand.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../../base/heddle-error.ts";
import type { LayerTables } from "../../import/llmservingsim/layer-tables.ts";
import { emptyBatch } from "../iteration-cost.ts";
import { attentionNs, attentionTable } from "./attention-table.ts";
import { layerTableCost } from "./layer-table-cost.ts";
import { sizeTable, timeAt } from "./size-table.ts";
import { skewShare } from "./skew-share.ts";

const LAYERS = ["embedding", "final_layernorm", "layernorm", "qkv_proj", "o_proj"];
const TABLES: LayerTables = {
  dense: LAYERS.flatMap((layer) => [
    { layer, tokens: 1, ns: 1000 },
    { layer, tokens: 101, ns: 2000 },
  ]),
  perSequence: [
    { layer: "lm_head", sequences: 1, ns: 500 },
    { layer: "lm_head", sequences: 11, ns: 1500 },
  ],
  attention: [0, 100].flatMap((prefillTokens) =>
    [0, 10].flatMap((decodes) =>
      [0, 1000].flatMap((decodeContext) =>
        decodes > 0 === decodeContext > 0
          ? [{ prefillTokens, prefillContext: 0, decodes, decodeContext, ns: 10 * prefillTokens + decodes * decodeContext }]
          : [],
      ),
    ),
  ),
  experts: [],
  skew: [],
};

describe("a table by size", () => {
  it("is linear between points, level below and goes on beyond", () => {
    const table = sizeTable([
      { size: 20, ns: 300 },
      { size: 10, ns: 100 },
    ]);
    expect([5, 10, 15, 20, 30].map((size) => timeAt(table, size))).toEqual([100, 100, 200, 300, 500]);
  });
});

describe("attention", () => {
  const table = attentionTable(TABLES.attention);

  it("leaves the weight of corners that were not measured to the others", () => {
    expect(attentionNs(table, 100, 0, 0, 0)).toBe(1000);
    expect(attentionNs(table, 0, 0, 10, 1000)).toBe(10_000);
    // Between 0 and 10 decodes at full context, only the upper corner was measured.
    expect(attentionNs(table, 0, 0, 5, 1000)).toBe(10_000);
    expect(attentionNs(table, 0, 0, 10, 500)).toBe(10_000);
  });

  it("grows with the work beyond its axes", () => {
    expect(attentionNs(table, 0, 0, 10, 3000)).toBe(30_000);
    expect(attentionNs(table, 200, 0, 0, 0)).toBe(2000);
  });
});

describe("iterations from layer tables", () => {
  it("sum layers by the number of calls, attention and the head", () => {
    const cost = layerTableCost(TABLES, { layers: 4, source: "test" });
    const decode = { ...emptyBatch(), decodes: 10, decodeContext: 10_000, decodeContextMax: 1000 };
    const token = 1000 + (1000 * 9) / 100;
    // Embedding and last norm once; two norms, qkv and output projection in each of 4 layers.
    expect(cost.iterationNs(decode)).toBe(Math.round(token * (2 + 4 * 4) + 4 * 10_000 + 1400));
    expect(cost.iterationNs(emptyBatch())).toBe(0);
  });

  it("pad to the sizes of recorded graphs", () => {
    const one = { ...emptyBatch(), decodes: 3, decodeContext: 3000, decodeContextMax: 1000 };
    const plain = layerTableCost(TABLES, { layers: 1, source: "test" });
    const padded = layerTableCost(TABLES, { layers: 1, source: "test", paddedSizes: [1, 8] });
    expect(padded.iterationNs(one) - plain.iterationNs(one)).toBe(6 * 5 * 10);
  });

  it("add experts that even routing puts to work, and collectives, in every layer", () => {
    const decode = (decodes: number) => ({ ...emptyBatch(), decodes, decodeContext: decodes * 1000, decodeContextMax: 1000 });
    const experts = [1, 10].flatMap((tokens) => [4, 8].map((activated) => ({ tokens, activated, ns: 100 * tokens + 1000 * activated })));
    const plain = layerTableCost(TABLES, { layers: 2, source: "test" });
    const mixture = layerTableCost({ ...TABLES, experts }, { layers: 2, source: "test", experts: { count: 8, active: 4 } });
    // One token has 4 of 8 experts at work, ten 8 x (1 - 1/1024).
    expect(mixture.iterationNs(decode(1)) - plain.iterationNs(decode(1))).toBe(2 * (100 + 4000));
    expect(mixture.iterationNs(decode(10)) - plain.iterationNs(decode(10))).toBeCloseTo(2 * (1000 + 8000 * (1 - 1 / 1024)), -1);
    const shared = layerTableCost(TABLES, { layers: 2, source: "test", collectiveNs: (tokens) => 7 * tokens });
    expect(shared.iterationNs(decode(10)) - plain.iterationNs(decode(10))).toBe(2 * 70);
  });

  it("refuse layers they do not know and tables that miss one", () => {
    const fault = (tables: LayerTables): string => {
      try {
        layerTableCost(tables, { layers: 1, source: "test" });
      } catch (thrown) {
        if (thrown instanceof HeddleError) return thrown.message;
      }
      return "none";
    };
    expect(fault({ ...TABLES, dense: [...TABLES.dense, { layer: "mystery", tokens: 1, ns: 1 }] })).toContain("mystery");
    expect(fault({ ...TABLES, dense: TABLES.dense.filter(({ layer }) => layer !== "o_proj") })).toContain("o_proj");
    expect(fault({ ...TABLES, experts: [{ tokens: 1, activated: 1, ns: 1 }] })).toContain("experts");
  });
});

describe("decodes of unequal length", () => {
  const row = (mixedNs: number) => ({
    decodes: 16,
    longer: 4,
    prefillTokens: 0,
    prefillContext: 0,
    shortContext: 100,
    longContext: 400,
    meanContext: 175,
    atMeanNs: 1000,
    atLongestNs: 2000,
    mixedNs,
  });

  it("take the median share of the way to the longest, of their class of ratios alone", () => {
    const share = skewShare([row(1100), row(1200), row(1500)]);
    expect(share(100, 300)).toBeCloseTo(0.2, 12);
    expect(share(100, 110)).toBe(0);
    expect(skewShare([row(900)])(100, 300)).toBe(0);
  });
});
