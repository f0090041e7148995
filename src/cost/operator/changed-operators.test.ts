// A measured device with changed figures: operators that the figure bounds change by as much, others do not, and the interval says that it is no measurement.
import { describe, expect, it } from "vitest";
import { ok } from "../../base/result.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { scaleSheet } from "../../rack/catalog/scale-sheet.ts";
import { changedOperators } from "./changed-operators.ts";
import type { OperatorModel } from "./operator-model.ts";
import type { OperatorQuery } from "./operator-query.ts";

const before = deviceSheet("h100-sxm");
const measured: OperatorModel = { source: "a table", price: () => ok({ ns: 1_000_000, spread: 0.05, basis: "measured" }) };
const stream: OperatorQuery = { op: "stream", bytes: 1e9 };
const product: OperatorQuery = { op: "product", m: 8192, n: 8192, k: 8192, type: "bf16" };

function priced(query: OperatorQuery, factors: Parameters<typeof scaleSheet>[1]) {
  const price = changedOperators(measured, before, scaleSheet(before, factors)).price(query);
  if (!price.ok) throw new TypeError(price.error.missing);
  return price.value;
}

describe("changed operators", () => {
  it("follow the figure that bounds them", () => {
    expect(priced(stream, { memoryBandwidth: 2 }).ns).toBeLessThan(600_000);
    expect(priced(product, { memoryBandwidth: 2 }).ns).toBeGreaterThan(950_000);
    expect(priced(product, { compute: 2 }).ns).toBeLessThan(800_000);
    expect(priced(stream, { compute: 2 })).toEqual({ ns: 1_000_000, spread: 0.05, basis: "measured" });
  });

  it("say that they are no measurement, with a wider interval", () => {
    const { spread, basis } = priced(stream, { memoryBandwidth: 2 });
    expect(basis).toBe("extrapolated");
    expect(spread).toBeGreaterThan(0.05);
  });
});
