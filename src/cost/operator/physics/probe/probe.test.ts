// Goal: a few measurements make a device's prices its own, and the tool says which one to take. Method: a device whose truth is another family's.
import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../../../rack/catalog/catalog.ts";
import type { ConstantSlot } from "../constant-slot.ts";
import { deviceFigures } from "../device-figures.ts";
import { ADA } from "../families/ada.ts";
import { GENERIC } from "../families/generic.ts";
import { familyOf } from "../families.ts";
import type { MeasuredTime } from "../fit/fit-constants.ts";
import { type ComputeQuery, operatorNs } from "../operator-time.ts";
import { physicsModel } from "../physics-model.ts";
import { mostTelling } from "./most-telling.ts";
import { nearestRows } from "./nearest-rows.ts";
import { probeQueries } from "./probe-queries.ts";
import { probedConstants } from "./probed-constants.ts";

const MI300X = deviceSheet("mi300x");
const figures = deviceFigures(MI300X);
const SLOTS: readonly ConstantSlot[] = ["product half", "decode-attention", "prefill-attention", "stream"];
/** What the device would measure if it behaved as Ada does, with half of its share of memory bandwidth. */
const TRUTH = {
  ...ADA,
  product: { ...ADA.product, half: { ...ADA.product.half, memoryShare: ADA.product.half.memoryShare / 2 } },
};
const truth = (query: ComputeQuery): MeasuredTime => ({ query, ns: operatorNs(figures, TRUTH, query) });
const skinny: ComputeQuery = { op: "product", m: 4, n: 12_288, k: 6144, type: "bf16" };

function price(constants: typeof GENERIC, query: ComputeQuery): { ns: number; spread: number } {
  const result = physicsModel(MI300X, constants).price(query);
  if (!result.ok) throw new Error(result.error.missing);
  return result.value;
}

describe("probes", () => {
  it("are at most six calls a kind of operator, all of that kind", () => {
    for (const slot of [...SLOTS, "product eight", "product eightBlock", "experts half", "latent-attention"] as const) {
      const queries = probeQueries(slot);
      expect(queries.length).toBeGreaterThanOrEqual(3);
      expect(queries.length).toBeLessThanOrEqual(6);
      for (const query of queries) expect(slot.startsWith(query.op)).toBe(true);
    }
  });

  it("bring prices near the truth where the sheet alone is far off, and only of what was probed", () => {
    const before = familyOf(MI300X);
    expect(before).toBe(GENERIC);
    const after = probedConstants(MI300X, probeQueries("product half").map(truth));
    const error = (constants: typeof GENERIC) => Math.abs(price(constants, skinny).ns / truth(skinny).ns - 1);
    expect(error(before)).toBeGreaterThan(0.3);
    expect(error(after)).toBeLessThan(0.2);
    expect(after.decodeAttention).toBe(before.decodeAttention);
    expect(after.family).toContain("measured: product half (6)");
  });

  it("of fewer than three calls of a kind change nothing", () => {
    expect(probedConstants(MI300X, probeQueries("product half").slice(0, 2).map(truth))).toBe(GENERIC);
  });

  it("are found in a table as the nearest rows, each once", () => {
    const rows = [1, 64, 512, 4096].map((m) => truth({ op: "product", m, n: 8192, k: 8192, type: "bf16" }));
    const wanted: readonly ComputeQuery[] = [
      { op: "product", m: 70, n: 8000, k: 8192, type: "bf16" },
      { op: "product", m: 64, n: 8192, k: 8192, type: "bf16" },
    ];
    expect(nearestRows(rows, wanted).map(({ query }) => (query.op === "product" ? query.m : 0))).toEqual([64, 512]);
  });
});

describe("the most telling measurement", () => {
  const product: ComputeQuery = { op: "product", m: 64, n: 8192, k: 8192, type: "bf16" };
  const small: ComputeQuery = { op: "product", m: 64, n: 1024, k: 1024, type: "bf16" };
  const stream: ComputeQuery = { op: "stream", bytes: 1e5 };

  it("is of the kind that holds most of the uncertainty, the operator of it that takes most time", () => {
    const found = mostTelling(MI300X, [
      { query: product, count: 80 },
      { query: small, count: 80 },
      { query: stream, count: 2 },
    ]);
    expect(found?.query).toBe(product);
    expect(found?.slot).toBe("product half");
    expect(found!.shareOfVariance).toBeGreaterThan(0.9);
    expect(found!.spreadAfter).toBeLessThan(found!.spread / 1.5);
    expect(
      mostTelling(MI300X, [
        { query: product, count: 1 },
        { query: stream, count: 5000 },
      ])?.query,
    ).toBe(stream);
  });

  it("is nothing where nothing is asked or nothing can be priced", () => {
    expect(mostTelling(MI300X, [])).toBeUndefined();
    expect(mostTelling(deviceSheet("a100-sxm"), [{ query: { ...product, type: "f8e4m3" }, count: 1 }])).toBeUndefined();
  });
});

describe("cores", () => {
  it("of a wafer or a dataflow chip do not take tiles of their own", () => {
    expect(deviceFigures(deviceSheet("cerebras-wse-3")).cores).toBe(0);
    expect(figures.cores).toBe(304);
  });

  it("make siblings of a measured device less sure than itself", () => {
    const spread = (id: string) => {
      const result = physicsModel(deviceSheet(id)).price(skinny);
      return result.ok ? result.value.spread : Number.NaN;
    };
    expect(spread("l40s")).toBeGreaterThan(spread("rtx-4090") + 0.1);
  });
});
