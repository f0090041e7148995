/**
 * Goal: a rate between nodes that was measured is taken as it is, one of a data sheet with the share of it that links reach.
 * Method: a sheet of the catalogue whose network says where its figure is from; prices by hand.
 */
import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { ncclTime } from "./collectives/nccl-cost.ts";
import { pricePointToPoint } from "./point-to-point.ts";
import { sheetNetwork } from "./sheet-network.ts";

function withNetwork(basis: "measured" | "data-sheet"): DeviceSheet {
  const sheet = deviceSheet("h100-sxm");
  return { ...sheet, network: { name: "RoCE", bandwidthBytesPerSecond: { value: 20e9, basis, source: "a test" } } };
}

describe("a network's rate", () => {
  const [measured, sold] = [sheetNetwork(withNetwork("measured"), "nccl")!, sheetNetwork(withNetwork("data-sheet"), "nccl")!];

  it("is 20 GB/s where measured, 94 % of it where sold, for a message of 1 GB", () => {
    const ns = (figures: typeof measured): number => {
      const priced = pricePointToPoint(figures, { op: "point-to-point", bytes: 1e9, sameNode: false });
      return priced.ok ? priced.value.ns : Number.NaN;
    };
    expect(ns(measured)).toBeCloseTo(20_000 + 1e9 / 20, 3);
    expect(ns(sold)).toBeCloseTo(20_000 + 1e9 / (0.94 * 20), 3);
  });

  it("bounds rings and all-to-alls between nodes alike", () => {
    const shape = { bytes: 16 * 2 ** 30, ranks: 16, ranksPerNode: 8 } as const;
    const by = { algorithm: "ring", protocol: "simple" } as const;
    // Ring: 8 cards of 20 GB/s a node, 2 x 15 / 16 of the bytes.
    const ring = (shape.bytes * (30 / 16)) / (8 * 20);
    expect(ncclTime(measured, { kind: "all-reduce", ...shape }, by) / ring).toBeCloseTo(1, 2);
    expect(ncclTime(sold, { kind: "all-reduce", ...shape }, by) / ring).toBeCloseTo(1 / 0.96, 2);
    // All-to-all: 8 of 16 parts leave the node, then 7 at what all-to-alls in one node reach of 450 GB/s (fitted-curves.ts).
    const allToAll = (rate: number): number => shape.bytes * (8 / 16 / rate + 7 / 16 / (0.701 * 450));
    expect(ncclTime(measured, { kind: "all-to-all", ...shape }, by) / allToAll(20)).toBeCloseTo(1, 2);
    expect(ncclTime(sold, { kind: "all-to-all", ...shape }, by) / allToAll(0.93 * 20)).toBeCloseTo(1, 2);
  });
});
