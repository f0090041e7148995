// Goal: products between and beyond the measured shapes are priced well and honestly. Method: a table made from a known roofline.
import { describe, expect, it } from "vitest";
import { fastCore, syntheticCalibration, syntheticProductNs } from "../../test/support/synthetic-rack.ts";
import type { GraphFormat } from "../rack/rack.ts";
import { type ProductPricer, productPricer } from "./product-cost.ts";

const table = syntheticCalibration(fastCore);
const pricer = (format: GraphFormat): ProductPricer => productPricer(table.products, format, table.noise)!;

describe("product pricer", () => {
  it("returns measured rows as measured", () => {
    const row = table.products[7]!;
    const priced = productPricer(table.products, row.format as GraphFormat, table.noise)!(row.m, row.n, row.k);
    expect(priced.ns).toBeCloseTo(row.ns, 3);
    expect(priced.basis).toBe("measured");
  });

  it.each([
    ["int4", 2, 3072, 576],
    ["int4", 32, 576, 1536],
    ["int8-row", 128, 3072, 576],
    ["f32", 100, 960, 576],
    ["f32", 8, 1024, 1024],
    ["int8-row", 384, 1536, 1536],
  ] as const)("interpolates %s at %i x %i x %i", (format, m, n, k) => {
    const truth = syntheticProductNs(fastCore, format, m, n, k);
    const priced = pricer(format)(m, n, k);
    expect(priced.basis).toBe("interpolated");
    expect(Math.abs(priced.ns / truth - 1)).toBeLessThan(0.2);
    expect(truth).toBeGreaterThan(priced.ns / (1 + priced.spread));
    expect(truth).toBeLessThan(priced.ns * (1 + priced.spread));
  });

  it("widens beyond its range, the more the further", () => {
    const price = pricer("f32");
    const inside = price(512, 2048, 2048);
    const near = price(2048, 2048, 2048);
    const far = price(65_536, 2048, 2048);
    expect([near.basis, far.basis]).toEqual(["extrapolated", "extrapolated"]);
    expect(near.spread).toBeGreaterThan(inside.spread);
    expect(far.spread).toBeGreaterThan(near.spread);
    expect(price(8, 200_000, 20_000).basis).toBe("extrapolated");
  });

  it("has no answer for a format that was not measured", () => {
    expect(
      productPricer(
        table.products.filter((row) => row.format !== "int4"),
        "int4",
        0.1,
      ),
    ).toBeUndefined();
  });
});
