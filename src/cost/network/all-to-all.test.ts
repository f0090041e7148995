import { describe, expect, it } from "vitest";
import type { DispatchQuery } from "../operator/operator-query.ts";
import { dispatchPricer } from "./all-to-all.ts";
import type { NetworkFigures } from "./collectives/network-figures.ts";
import { distinctGroups, remoteGroups, tokenBytes } from "./dispatch-traffic.ts";

const H100: NetworkFigures = {
  name: "H100",
  generation: "hopper",
  scaleUp: { bytesPerSecond: 450e9, devices: 8, reducesInSwitch: true },
  scaleOut: { bytesPerSecond: 50e9 },
  library: "nccl",
};
const R1: DispatchQuery = {
  op: "dispatch",
  mode: "normal",
  direction: "dispatch",
  tokens: 4096,
  width: 7168,
  active: 8,
  experts: 256,
  ranks: 8,
  ranksPerNode: 8,
};

function ns(query: Partial<DispatchQuery>, figures = H100): number {
  const priced = dispatchPricer(figures).price({ ...R1, ...query });
  if (!priced.ok) throw priced.error;
  return priced.value.ns;
}

describe("traffic of a dispatch", () => {
  it("counts distinct groups as the closed form does", () => {
    expect(distinctGroups(256, 4, 8)).toBeCloseTo(3.614, 3);
    expect(distinctGroups(256, 8, 8)).toBeCloseTo(5.295, 3);
    expect(distinctGroups(256, 32, 8)).toBeCloseTo(7.267, 3);
    expect(remoteGroups(256, 16, 8)).toBeCloseTo(6.116, 3);
    expect(remoteGroups(64, 2, 6)).toBeCloseTo(0.988, 3);
    expect(distinctGroups(8, 1, 2)).toBe(1);
    expect(distinctGroups(8, 2, 8)).toBe(2);
  });

  it("counts scales beside 8-bit values", () => {
    expect(tokenBytes(7168, 8)).toBe(7168 + 224);
    expect(tokenBytes(7168, 16)).toBe(14336);
  });
});

describe("prices of dispatch and combine", () => {
  it("never fall with tokens, width or experts a token, nor rise with cores", () => {
    for (const mode of ["normal", "low-latency"] as const) {
      for (const ranks of [8, 32]) {
        const base = { mode, ranks } as const;
        expect(ns({ ...base, tokens: 8192 })).toBeGreaterThan(ns(base));
        expect(ns({ ...base, width: 8192 })).toBeGreaterThan(ns(base));
        expect(ns({ ...base, active: 9 })).toBeGreaterThan(ns(base));
        expect(ns({ ...base, direction: "combine" })).toBeGreaterThan(ns(base));
        expect(ns({ ...base, cores: 8 })).toBeGreaterThanOrEqual(ns({ ...base, cores: 24 }));
      }
    }
  });

  it("between nodes are bound by the cards: logical rates as published for large batches", () => {
    // 4 nodes: every token goes to 2.711 other nodes; 8,192 tokens of 7,392 B over a card of 47 GB/s.
    const bound = (8192 * 7392 * remoteGroups(256, 4, 8)) / 47;
    expect(ns({ tokens: 8192, ranks: 32 }) / bound).toBeGreaterThan(1);
    expect(ns({ tokens: 8192, ranks: 32 }) / bound).toBeLessThan(1.1);
  });

  it("have no basis without a network, for experts that do not divide, or nonsense", () => {
    const { scaleOut: _, ...alone } = H100;
    const missing = (query: Partial<DispatchQuery>, figures: NetworkFigures = H100): string => {
      const priced = dispatchPricer(figures).price({ ...R1, ...query });
      return priced.ok ? "" : priced.error.missing;
    };
    expect(missing({ ranks: 16 }, alone)).toContain("network between nodes");
    expect(missing({ experts: 100 })).toContain("100 experts on 8 ranks");
    expect(missing({ active: 300 })).toContain("300 of 256");
    expect(missing({ tokens: Number.NaN })).toContain("whole, positive");
    expect(missing({ ranks: 16, ranksPerNode: 16 })).toContain("domain of 8");
    expect(ns({ tokens: 0 })).toBe(0);
  });
});
