import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { operatorEnergy } from "./operator-energy.ts";

const A100 = deviceSheet("a100-sxm");

describe("energy of an operator", () => {
  it("is that of an idle board where nothing moves, and rises with what does", () => {
    const ns = 1e6;
    const idle = operatorEnergy(A100, { op: "collective", kind: "all-reduce", bytes: 1e6, ranks: 2, ranksPerNode: 2 }, ns);
    expect(idle?.joules).toBeCloseTo(400 * 0.17 * 1e-3, 9);
    const half = operatorEnergy(A100, { op: "stream", bytes: 1e9 }, ns)!;
    const full = operatorEnergy(A100, { op: "stream", bytes: 2.039e9 }, ns)!;
    expect(half.joules).toBeGreaterThan(idle!.joules * 2);
    expect(full.joules).toBeCloseTo(400 * 0.91 * 1e-3, 9);
    const product = operatorEnergy(A100, { op: "product", m: 4096, n: 4096, k: 4096, type: "bf16" }, 6e5)!;
    expect(product.joules / 6e-4).toBeGreaterThan(300);
    expect(product.joules / 6e-4).toBeLessThanOrEqual(400);
  });

  it("is unknown without a power figure, and less sure where power was not measured", () => {
    const { powerWatts: _left, ...silent } = A100;
    expect(operatorEnergy(silent, { op: "stream", bytes: 1 }, 1)).toBeUndefined();
    const spread = (id: string) => operatorEnergy(deviceSheet(id), { op: "stream", bytes: 1e6 }, 1e4)!.spread;
    expect(spread("h100-sxm")).toBeGreaterThan(spread("a100-sxm"));
  });
});
