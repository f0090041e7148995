// Goal: collectives between machines are priced over a fabric: as without one where it is ideal, slower by the max-min share where it is not, and by what other
// replicas of the fleet take. Method: prices of single operators against those of figures with the share worked out by hand; files that do not fit.
import { describe, expect, it } from "vitest";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import type { LinkQuery } from "../../cost/operator/operator-query.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readNetwork } from "../fabric/read-fabric.ts";
import { fairRates } from "../flows/fair-rates.ts";
import { fabricNetwork } from "./fabric-network.ts";
import { placeOnFabric } from "./fabric-place.ts";
import { iterationsCost } from "./price-pool.ts";

const sheet = deviceSheet("h100-sxm");
const FIGURES = sheetNetwork(sheet, "nccl")!;
const GIB = 1_073_741_824;

/** Leaves of machines of 8 cards of 50 GB/s, and one spine: `uplinks` is how many cards' rate a leaf has to it. */
const leaves = (count: number, uplinks: number, nodes = 1): string =>
  `fabric: { kind: leaf-spine, leaves: ${count}, devicesPerLeaf: ${8 * nodes}, spines: 1, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: ${50 * uplinks} GB/s }\n`;
const rails = (nodes: number, devicesPerNode: number, spine: number): string =>
  `fabric: { kind: rails, nodes: ${nodes}, devicesPerNode: ${devicesPerNode}, nodesPerGroup: 3, spinesPerRail: 1, scaleUpBytesPerSecond: 450 GB/s, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: ${spine} GB/s }\n`;

function poolsOf(parallel: string, replicas = 1) {
  const pool = `{ device: h100-sxm, replicas: ${replicas}, parallel: ${parallel}, precision: { weights: f8e4m3 } }`;
  return readDeployment(`version: 1\nmodel: DeepSeek-V3\npools: [${pool}]\n`).deployment.pools.map((one) => ({ pool: one, sheet }));
}

function overFabric(file: string, parallel = "{ tensor: 16 }", replicas = 1): OperatorModel {
  const network = readNetwork(file);
  return fabricNetwork(FIGURES, { topology: network.topology, pools: placeOnFabric(network, poolsOf(parallel, replicas)), pool: 0 });
}

const ns = (model: OperatorModel, query: LinkQuery): number => {
  const found = model.price(query);
  return found.ok ? found.value.ns : expect.unreachable(found.error.missing);
};
const withCards = (gigabytes: number): OperatorModel =>
  collectiveModel({ ...FIGURES, scaleOut: { ...FIGURES.scaleOut, bytesPerSecond: gigabytes * 1e9 } });

const ACROSS = { bytes: GIB, ranks: 16, ranksPerNode: 8 } as const;
const ALL_REDUCE = { op: "collective", kind: "all-reduce", ...ACROSS } as const;
const QUERIES: readonly LinkQuery[] = [
  ALL_REDUCE,
  { op: "collective", kind: "all-gather", ...ACROSS },
  { op: "collective", kind: "all-to-all", ...ACROSS },
  { op: "point-to-point", bytes: GIB, sameNode: false },
  { op: "dispatch", mode: "normal", direction: "dispatch", tokens: 4096, width: 7168, active: 8, experts: 256, ranks: 16, ranksPerNode: 8 },
];
const INSIDE: readonly LinkQuery[] = [
  { op: "collective", kind: "all-reduce", bytes: GIB, ranks: 8, ranksPerNode: 8 },
  { op: "point-to-point", bytes: GIB, sameNode: true },
];
const cutOf = ({ op }: LinkQuery): string => (op === "point-to-point" ? "{ tensor: 8, pipeline: 2 }" : "{ tensor: 16 }");

describe("a fabric between machines", () => {
  it.each(QUERIES)("that is ideal prices as cards alone do, one of 2 : 1 at half their rate: %j", (query) => {
    expect(ns(overFabric(leaves(2, 8), cutOf(query)), query)).toBeCloseTo(ns(collectiveModel(FIGURES), query), 6);
    const half = ns(overFabric(leaves(2, 4), cutOf(query)), query);
    expect(half).toBeCloseTo(ns(withCards(25), query), 6);
    expect(half).toBeGreaterThan(ns(collectiveModel(FIGURES), query));
  });

  it("makes large collectives slower by what is oversubscribed, and those inside machines not at all", () => {
    const message = { op: "point-to-point", bytes: GIB, sameNode: false } as const;
    const stages = (uplinks: number) => ns(overFabric(leaves(2, uplinks), cutOf(message)), message);
    expect(stages(4) / stages(8)).toBeCloseTo(2, 2);
    // With full cards an all-reduce over two machines is bound by what adds up inside them; below that, by its cards alone.
    const reduced = (uplinks: number) => ns(overFabric(leaves(2, uplinks)), ALL_REDUCE);
    expect(reduced(4) / reduced(8)).toBeGreaterThan(1.5);
    expect(reduced(1) / reduced(2)).toBeCloseTo(2, 1);
    for (const query of INSIDE) expect(ns(overFabric(leaves(2, 1)), query)).toBe(ns(collectiveModel(FIGURES), query));
  });

  it("is shared by the replicas of the fleet", () => {
    // Machines 0 to 2 lie in one group of rails, 3 to 5 in the other: of replicas of two machines the second one crosses, and is alone there.
    const pairs = (replicas: number) => ns(overFabric(rails(6, 8, 50), "{ tensor: 16 }", replicas), ALL_REDUCE);
    expect([pairs(1), pairs(2), pairs(3)]).toEqual([1, 1, 1].map(() => ns(collectiveModel(FIGURES), ALL_REDUCE)));
    // Replicas of four machines over groups of three: the first goes out and back, the second too, and from the third on two meet on a group's spine.
    const query = { ...ALL_REDUCE, ranks: 32 } as const;
    const fours = (replicas: number) => ns(overFabric(rails(12, 8, 50), "{ tensor: 32 }", replicas), query);
    expect(fours(1)).toBe(ns(collectiveModel(FIGURES), query));
    expect(fours(2)).toBeCloseTo(ns(withCards(25), query), 6);
  });

  it("has max-min rates: what is narrow for one is left to the others", () => {
    const { topology } = readNetwork(leaves(3, 1));
    // Two flows over the way up from leaf 0, one of them beside a third on the way down to leaf 2.
    const pairs = [
      [0, 8],
      [1, 16],
      [9, 17],
      [5, 5],
    ] as const;
    expect(fairRates(topology, pairs)).toEqual([25e9, 25e9, 25e9, Number.POSITIVE_INFINITY]);
  });

  it("is in the price of a replica's iterations, and named where it comes from", () => {
    const architecture = knownArchitecture("DeepSeek-V3")!;
    const sheeted = poolsOf("{ tensor: 16 }");
    const priced = (file?: string) => {
      const network = file === undefined ? undefined : readNetwork(file);
      const fabric = network && { topology: network.topology, pools: placeOnFabric(network, sheeted), pool: 0 };
      const cost = iterationsCost(sheeted[0]!.pool, { architecture, sheet, ...(fabric && { fabric }) });
      return cost.ok ? cost.value : expect.unreachable(cost.error.code);
    };
    const shape = { ...emptyBatch(), prefills: 1, prefillTokens: 4096, prefillSquares: 4096 ** 2 };
    const [alone, ideal, narrow] = [priced(), priced(leaves(2, 8)), priced(leaves(2, 4))].map((cost) => cost.iterationNs(shape));
    expect(ideal).toBe(alone);
    expect(narrow).toBeGreaterThan(1.05 * alone!);
    expect(priced(leaves(2, 4)).source).toContain("2 leaves of 8 devices, 1 spines, 2.0 : 1");
  });

  it.each([
    ["too few machines", leaves(1, 8), /has 8 devices, the pools take machines of 16/],
    ["machines of another size", rails(6, 4, 50), /machines of 4 devices; h100-sxm has 8/],
    ["jobs of others", `${leaves(2, 8)}jobs: [{ name: a, kind: all-reduce, devices: [0, 1], bytes: 1 }]`, /jobs/],
  ])("refuses %s", (_fault, file, message) => {
    expect(() => overFabric(file)).toThrow(message);
  });
});
