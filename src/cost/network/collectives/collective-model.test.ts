import { describe, expect, it } from "vitest";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import { collectiveModel } from "./collective-model.ts";
import type { NetworkFigures } from "./network-figures.ts";

const DGX: NetworkFigures = {
  name: "8 x H100",
  generation: "hopper",
  scaleUp: { bytesPerSecond: 450e9, devices: 8, reducesInSwitch: true },
  scaleOut: { bytesPerSecond: 50e9 },
  library: "nccl",
};
const KINDS: readonly CollectiveKind[] = ["all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast"];

function ns(
  figures: NetworkFigures,
  kind: CollectiveKind,
  bytes: number,
  ranks: number,
  ranksPerNode = Math.min(ranks, figures.scaleUp.devices),
): number {
  const priced = collectiveModel(figures).price({ op: "collective", kind, bytes, ranks, ranksPerNode });
  if (!priced.ok) throw priced.error;
  return priced.value.ns;
}

describe("prices of collectives", () => {
  it("never fall with bytes or with ranks of a group on one node", () => {
    for (const kind of KINDS) {
      let last = 0;
      for (let bytes = 256; bytes <= 2 ** 34; bytes *= 2) {
        const now = ns(DGX, kind, bytes, 8);
        expect(now).toBeGreaterThanOrEqual(last);
        last = now;
      }
      for (const bytes of [1024, 65536]) expect(ns(DGX, kind, bytes, 8)).toBeGreaterThanOrEqual(ns(DGX, kind, bytes, 2));
    }
  });

  it("are bound by the links for large buffers: bus rates below the data sheet's, above half of it", () => {
    const bytes = 2 ** 32;
    for (const [kind, factor] of [
      ["all-gather", 7 / 8],
      ["reduce-scatter", 7 / 8],
      ["all-to-all", 7 / 8],
    ] as const) {
      const bus = (bytes * factor) / ns(DGX, kind, bytes, 8);
      expect(bus).toBeGreaterThan(225);
      expect(bus).toBeLessThan(450);
    }
    // Adding in the switch sends each byte once instead of twice: a bus rate (of a ring's traffic) above the links'.
    expect((bytes * 2 * (7 / 8)) / ns(DGX, "all-reduce", bytes, 8)).toBeGreaterThan(400);
  });

  it("across nodes are bound by the cards", () => {
    const bytes = 2 ** 32;
    const allToAll = (bytes * (8 / 16)) / ns(DGX, "all-to-all", bytes, 16);
    expect(allToAll).toBeLessThan(50);
    expect(allToAll).toBeGreaterThan(40);
  });

  it("reach peers of their own node in an all-to-all over nodes at what all-to-alls in a node are measured at, not at the links' rate", () => {
    // A network without limit leaves the node's own part: half of the buffer over 2 nodes.
    const free = { ...DGX, scaleOut: { bytesPerSecond: 1e18, measured: true } };
    const added = (bytes: number, ranks: number): number =>
      ns(free, "all-to-all", 2 * bytes, ranks, 8) - ns(free, "all-to-all", bytes, ranks, 8);
    for (const bytes of [2 ** 26, 2 ** 30, 2 ** 34]) expect(added(bytes, 16) / added(bytes / 2, 8)).toBeCloseTo(1, 2);
  });

  it("are 0 for one rank or no bytes, and no basis where a figure is missing", () => {
    expect(ns(DGX, "all-reduce", 1e6, 1)).toBe(0);
    expect(ns(DGX, "all-reduce", 0, 8)).toBe(0);
    const { scaleOut: _, ...alone } = DGX;
    const model = collectiveModel(alone);
    for (const bad of [
      { ranks: 16, ranksPerNode: 8 },
      { ranks: 16, ranksPerNode: 16 },
      { ranks: 6, ranksPerNode: 4 },
      { ranks: 1.5, ranksPerNode: 1.5 },
    ]) {
      const priced = model.price({ op: "collective", kind: "all-reduce", bytes: 1024, ...bad });
      expect(priced.ok ? priced.value : priced.error.code).toBe("no-basis");
    }
    expect(model.price({ op: "collective", kind: "all-reduce", bytes: Number.NaN, ranks: 8, ranksPerNode: 8 }).ok).toBe(false);
    expect(model.price({ op: "stream", bytes: 4 }).ok).toBe(false);
    expect(model.price({ op: "point-to-point", bytes: 4, sameNode: false }).ok).toBe(false);
  });
});
