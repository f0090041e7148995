import { describe, expect, it } from "vitest";
import type { DispatchQuery } from "../operator/operator-query.ts";
import { dispatchPricer } from "./all-to-all.ts";
import type { NetworkFigures } from "./collectives/network-figures.ts";
import { distinctGroups, remoteUnits, tokenBytes, visitedUnits } from "./dispatch-traffic.ts";

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
    expect(remoteUnits({ experts: 256, active: 8 }, 16)).toBeCloseTo(6.116, 3);
    expect(remoteUnits({ experts: 64, active: 6 }, 2)).toBeCloseTo(0.988, 3);
    expect(distinctGroups(8, 1, 2)).toBe(1);
    expect(distinctGroups(8, 2, 8)).toBe(2);
  });

  it("counts nodes and ranks that a gate of groups leaves", () => {
    const deepseek = { experts: 256, active: 8, gate: { groups: 8, chosen: 4 } };
    // One group a node: the four chosen. Two groups a node: 4 x (1 - C(6, 4) / C(8, 4)). Four: 2 x (1 - 1 / 70).
    expect(visitedUnits(deepseek, 8)).toBeCloseTo(4, 9);
    expect(visitedUnits(deepseek, 4)).toBeCloseTo(4 * (1 - 15 / 70), 9);
    expect(visitedUnits(deepseek, 2)).toBeCloseTo(2 * (1 - 1 / 70), 9);
    // Gates on random scores, 20,000 tokens: 5.68 of 16 nodes, 7.47 of 64 ranks.
    expect(visitedUnits(deepseek, 16)).toBeCloseTo(5.71, 2);
    expect(visitedUnits(deepseek, 64)).toBeCloseTo(7.48, 2);
    expect(remoteUnits(deepseek, 8)).toBeCloseTo(3.5, 9);
    expect(visitedUnits({ ...deepseek, gate: { groups: 8, chosen: 8 } }, 8)).toBe(distinctGroups(256, 8, 8));
    // No more groups than experts a token.
    expect(visitedUnits({ experts: 256, active: 2, gate: { groups: 8, chosen: 4 } }, 8)).toBeCloseTo(2, 9);
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
    const bound = (8192 * 7392 * remoteUnits({ experts: 256, active: 8 }, 4)) / 47;
    expect(ns({ tokens: 8192, ranks: 32 }) / bound).toBeGreaterThan(1);
    expect(ns({ tokens: 8192, ranks: 32 }) / bound).toBeLessThan(1.1);
  });

  it("take a measured rate of the cards as it is, and narrow the interval of many nodes by it", () => {
    const far: Partial<DispatchQuery> = { tokens: 65536, ranks: 64, gate: { groups: 8, chosen: 4 } };
    const slow = { ...H100, scaleOut: { bytesPerSecond: 17e9, measured: true } };
    // 3.5 other nodes a token, 7,392 B each, over 17 GB/s.
    expect(ns(far, slow) / ((65536 * 3.5 * 7392) / 17)).toBeGreaterThan(1);
    expect(ns(far, slow) / ((65536 * 3.5 * 7392) / 17)).toBeLessThan(1.002);
    const spread = (figures: NetworkFigures): number => {
      const priced = dispatchPricer(figures).price({ ...R1, ...far });
      return priced.ok ? priced.value.spread : Number.NaN;
    };
    expect(spread(slow)).toBe(0.2);
    expect(spread(H100)).toBe(2);
  });

  it("over slow links are bound by what is passed on inside nodes", () => {
    const h800 = { ...H100, scaleUp: { ...H100.scaleUp, bytesPerSecond: 200e9 } };
    // 2 nodes: 6.116 other ranks a token, 7 of 8 by NVLink of 153 GB/s; the card needs less.
    const links = (8192 * remoteUnits({ experts: 256, active: 8 }, 16) * (7 / 8) * 7392) / 153;
    expect(ns({ tokens: 8192, ranks: 16 }, h800)).toBeGreaterThan(links);
    expect(ns({ tokens: 8192, ranks: 16 }, h800) / ns({ tokens: 8192, ranks: 16 })).toBeGreaterThan(1.3);
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
    expect(missing({ gate: { groups: 7, chosen: 4 } })).toContain("4 of 7 groups");
    expect(missing({ gate: { groups: 8, chosen: 9 } })).toContain("9 of 8 groups");
    expect(missing({ active: 80, gate: { groups: 8, chosen: 2 } })).toContain("80 experts of 2 groups of 32");
    expect(missing({ ranks: 16, ranksPerNode: 16 })).toContain("domain of 8");
    expect(ns({ tokens: 0 })).toBe(0);
  });
});
