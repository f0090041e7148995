// Goal: tables price what was measured as measured, shapes between within their interval, and say `no-basis` or widen beyond. Method: products of a
// made-up device whose true times are known.
import { describe, expect, it } from "vitest";
import { MADE_UP, madeUpNs, madeUpProducts, madeUpTable } from "../../../../test/support/measured-rows.ts";
import type { Priced } from "../../priced.ts";
import type { MeasuredOperator } from "../measured-table.ts";
import type { OperatorQuery, PrefillAttentionQuery, ProductQuery } from "../operator-query.ts";
import { prefillWork, productWork } from "../operator-work.ts";
import { tableOperatorModel } from "./table-operator-model.ts";

const MODEL = tableOperatorModel(MADE_UP, [madeUpTable(madeUpProducts())]);
const product = (m: number, n: number, k: number, type: ProductQuery["type"] = "bf16"): ProductQuery => ({ op: "product", m, n, k, type });

function priced(query: OperatorQuery, model = MODEL): Priced {
  const result = model.price(query);
  if (!result.ok) throw new Error(result.error.missing);
  return result.value;
}

function missing(query: OperatorQuery, model = MODEL): string {
  const result = model.price(query);
  return result.ok ? `a price of ${result.value.ns} ns` : result.error.missing;
}

describe("prices from tables", () => {
  it("are the measured ones where there is one", () => {
    const query = product(64, 1024, 4096);
    const price = priced(query);
    expect(price.ns).toBeCloseTo(madeUpNs(query), 3);
    expect(price).toMatchObject({ basis: "measured" });
    expect(price.spread).toBeLessThan(0.05);
  });

  it("lie within their interval between shapes and lengths", () => {
    for (const query of [product(64, 1536, 4096), product(64, 3000, 700), product(100, 1024, 4096), product(1500, 5000, 5000)]) {
      const price = priced(query);
      const ratio = madeUpNs(query) / price.ns;
      expect(price.basis).toBe("interpolated");
      expect(Math.max(ratio, 1 / ratio), JSON.stringify(query)).toBeLessThan(1 + price.spread);
      expect(Math.max(ratio, 1 / ratio), JSON.stringify(query)).toBeLessThan(1.1);
    }
  });

  it("widen outside of what was measured, and end", () => {
    const inside = priced(product(64, 1536, 4096)).spread;
    const outside = priced(product(64, 32768, 32768));
    expect(outside.basis).toBe("extrapolated");
    expect(outside.spread).toBeGreaterThan(2 * inside);
    expect(priced(product(8192, 1024, 1024))).toMatchObject({ basis: "extrapolated" });
    expect(priced(product(32768, 1024, 1024)).spread).toBeGreaterThan(priced(product(8192, 1024, 1024)).spread);
    expect(missing(product(64, 262144, 4096))).toContain("within 3 octaves of 262144 4096");
    expect(missing(product(1048576, 1024, 1024))).toContain("within 4 octaves of this length");
  });

  it("say which table is missing", () => {
    expect(missing(product(64, 1024, 1024, "f8e4m3"))).toBe("a table of product for f8e4m3");
    expect(missing({ op: "stream", bytes: 1e6 })).toBe("a table of stream");
    // Types that kernels treat alike are one.
    expect(priced(product(64, 1024, 4096, "f16")).ns).toBeCloseTo(madeUpNs(product(64, 1024, 4096)), 3);
  });

  it("list rows that cannot be true instead of learning them", () => {
    const query = product(4096, 16384, 16384);
    const rows = [...madeUpProducts().filter((row) => JSON.stringify(row.query) !== JSON.stringify(query)), { query, ns: 1000, row: 9999 }];
    const model = tableOperatorModel(MADE_UP, [madeUpTable(rows)]);
    expect(model.filtered[0]!.rejected).toMatchObject([{ row: 9999, fault: "faster-than-peak", ns: 1000 }]);
    const ratio = priced(query, model).ns / madeUpNs(query);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });
});

describe("tables that cannot be true", () => {
  it("are not used where many rows are faster than the peak, and prices never are", () => {
    const rows = madeUpProducts().map((row, i) => (i % 10 === 0 ? { ...row, ns: 1 } : row));
    const model = tableOperatorModel(MADE_UP, [madeUpTable(rows)]);
    expect(missing(product(64, 1536, 1536), model)).toMatch(
      /a table of product: bf16 that can be true: \d+ of 343 rows of made-up.parquet/,
    );
    // At 0.85 of the time at the peak every row passes; the peak still holds.
    const fast = madeUpProducts().map(({ query, row }) => ({
      query,
      row,
      ns: Math.max(2000, 0.85e-5 * productWork(query as ProductQuery).ops),
    }));
    const quick = tableOperatorModel(MADE_UP, [madeUpTable(fast)]);
    const large = product(4096, 8192, 8192);
    expect(priced(large, quick).ns).toBeCloseTo(productWork(large).ops / 100_000, 3);
  });
});

describe("prefills with a cached context", () => {
  const shape = {
    op: "prefill-attention",
    batch: 1,
    heads: 32,
    kvHeads: 8,
    headDim: 128,
    window: 0,
    type: "bf16",
    kvType: "bf16",
  } as const;
  const rows: MeasuredOperator[] = [];
  for (let tokens = 16; tokens <= 16384; tokens *= 2) {
    const query: PrefillAttentionQuery = { ...shape, tokens, context: 0 };
    rows.push({ query, ns: 6000 + prefillWork(query).ops / 60_000, row: rows.length + 1 });
  }
  const model = tableOperatorModel(MADE_UP, [madeUpTable(rows)]);

  it("cost more than without, less than the whole at once, and are extrapolated", () => {
    const without = priced({ ...shape, tokens: 1024, context: 0 }, model);
    const cached = priced({ ...shape, tokens: 1024, context: 7168 }, model);
    const whole = priced({ ...shape, tokens: 8192, context: 0 }, model);
    expect(cached.ns).toBeGreaterThan(4 * without.ns);
    expect(cached.ns).toBeLessThan(whole.ns);
    expect(cached.basis).toBe("extrapolated");
    expect(cached.spread).toBeGreaterThan(without.spread + 0.2);
  });

  it("of other cache types and head dimensions stand on the nearest table, wider", () => {
    const own = priced({ ...shape, tokens: 1024, context: 0 }, model);
    const other = priced({ ...shape, tokens: 1024, context: 0, kvType: "f8e4m3" }, model);
    expect(other.basis).toBe("extrapolated");
    expect(other.spread).toBeGreaterThan(own.spread + 0.2);
    expect(missing({ ...shape, headDim: 32, tokens: 1024, context: 0 }, model)).toContain("head 32");
  });
});
