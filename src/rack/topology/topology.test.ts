import { describe, expect, it } from "vitest";
import type { Result } from "../../base/result.ts";
import { dragonfly } from "./dragonfly.ts";
import { fatTree } from "./fat-tree.ts";
import { hostNode } from "./host-node.ts";
import { leafSpine } from "./leaf-spine.ts";
import { railFabric } from "./rail-fabric.ts";
import { scaleUpDomain } from "./scale-up-domain.ts";
import type { Topology } from "./topology.ts";
import type { TopologyFault } from "./topology-fault.ts";
import { torus } from "./torus.ts";

function built(result: Result<Topology, TopologyFault>): Topology {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

const RATE = 10;
const DRAGONFLY = { deviceBytesPerSecond: RATE, localBytesPerSecond: RATE, globalBytesPerSecond: RATE };
const HOST = { devicesPerSwitch: 2, switchesPerSocket: 2, pcieBytesPerSecond: 64, uplinkBytesPerSecond: 50, socketBytesPerSecond: 40 };
const RAIL = { scaleUpBytesPerSecond: 90, cardBytesPerSecond: 10, spineBytesPerSecond: 10 };

interface Known {
  readonly make: () => Topology;
  readonly devices: number;
  readonly switches: number;
  /** Directed. */
  readonly links: number;
  readonly bisection: number;
  /** Hops that occur, and how many ordered pairs have each. */
  readonly hops: Readonly<Record<number, number>>;
}

const KNOWN: Readonly<Record<string, Known>> = {
  NVL72: {
    make: () => built(scaleUpDomain({ devices: 72, bytesPerSecond: 900 })),
    devices: 72,
    switches: 1,
    links: 144,
    bisection: 36 * 900,
    hops: { 2: 72 * 71 },
  },
  "node of 8 on PCIe": {
    make: () => built(hostNode({ ...HOST, devices: 8 })),
    devices: 8,
    switches: 6,
    links: 2 * (8 + 4 + 1),
    bisection: 40,
    hops: { 2: 8, 4: 16, 5: 32 },
  },
  "fat tree of 4 ports": {
    make: () => built(fatTree({ ports: 4, bytesPerSecond: RATE })),
    devices: 16,
    switches: 20,
    links: 2 * 48,
    bisection: 80,
    hops: { 2: 16, 4: 32, 6: 192 },
  },
  "4 leaves of 4, 2 spines": {
    make: () => built(leafSpine({ leaves: 4, devicesPerLeaf: 4, spines: 2, cardBytesPerSecond: RATE, spineBytesPerSecond: RATE })),
    devices: 16,
    switches: 6,
    links: 2 * (16 + 8),
    // 2 : 1: two links up a leaf for four cards.
    bisection: 2 * 2 * RATE,
    hops: { 2: 16 * 3, 4: 16 * 12 },
  },
  "dragonfly p 2, a 4, h 2": {
    make: () => built(dragonfly({ ...DRAGONFLY, devicesPerRouter: 2, routersPerGroup: 4, globalPerRouter: 2 })),
    devices: 72,
    switches: 36,
    links: 2 * (72 + 9 * 6 + 36),
    bisection: 20 * RATE,
    hops: { 2: 72, 3: 36 * 3 * 4 + 36 * 2 * 4, 4: 9 * 8 * 6 * 4, 5: 9 * 8 * 9 * 4 },
  },
  "torus 4 x 4": {
    make: () => built(torus({ sizes: [4, 4], bytesPerSecond: RATE })),
    devices: 16,
    switches: 0,
    links: 64,
    bisection: 8 * RATE,
    hops: { 1: 64, 2: 96, 3: 64, 4: 16 },
  },
  "torus 2 x 3 x 4": {
    make: () => built(torus({ sizes: [2, 3, 4], bytesPerSecond: RATE })),
    devices: 24,
    switches: 0,
    links: 24 * (1 + 2 + 2),
    bisection: 12 * RATE,
    // Coefficients of 24 (1 + x)(1 + 2x)(1 + 2x + x^2).
    hops: { 1: 120, 2: 216, 3: 168, 4: 48 },
  },
  "rails of 4 nodes of 4, one leaf": {
    make: () => built(railFabric({ ...RAIL, nodes: 4, devicesPerNode: 4, nodesPerGroup: 4, spinesPerRail: 0 })),
    devices: 16,
    switches: 8,
    links: 2 * 32,
    bisection: 80,
    hops: { 2: 16 * 3 + 16 * 3, 4: 16 * 9 },
  },
  "rails of 4 nodes of 2, two leaves a rail": {
    make: () => built(railFabric({ ...RAIL, nodes: 4, devicesPerNode: 2, nodesPerGroup: 2, spinesPerRail: 1 })),
    devices: 8,
    switches: 4 + 4 + 2,
    links: 2 * (8 + 8 + 4),
    bisection: 20,
    hops: { 2: 8 + 8, 4: 8 + 8 * 2, 6: 8 * 2 },
  },
};

describe("topologies", () => {
  for (const [name, known] of Object.entries(KNOWN)) {
    it(`${name}: counts, bisection and hops are the known ones`, () => {
      const topology = known.make();
      expect([topology.devices, topology.switches, topology.from.length, topology.bisectionBytesPerSecond]).toEqual([
        known.devices,
        known.switches,
        known.links,
        known.bisection,
      ]);
      const hops: Record<number, number> = {};
      for (let a = 0; a < topology.devices; a++) {
        for (let b = 0; b < topology.devices; b++) {
          const path = topology.path(a, b);
          walk(topology, path, a, b);
          if (a !== b) hops[path.length] = (hops[path.length] ?? 0) + 1;
        }
      }
      expect(hops).toEqual(known.hops);
    });
  }

  it("the bisection is the least cut of all even halves, by maximum flow over every one of them", () => {
    for (const topology of [
      built(torus({ sizes: [2, 4], bytesPerSecond: RATE })),
      built(torus({ sizes: [8], bytesPerSecond: RATE })),
      built(hostNode({ ...HOST, devices: 8 })),
      built(scaleUpDomain({ devices: 6, bytesPerSecond: 9 })),
      built(railFabric({ ...RAIL, nodes: 4, devicesPerNode: 2, nodesPerGroup: 2, spinesPerRail: 1 })),
    ]) {
      expect(leastCut(topology), topology.name).toBeCloseTo(topology.bisectionBytesPerSecond, 9);
    }
    const { bisectionBytesPerSecond, ...tree } = built(fatTree({ ports: 4, bytesPerSecond: RATE }));
    const podsApart = Array.from({ length: 16 }, (_, device) => device < 8);
    expect(cutOf(tree, podsApart)).toBe(bisectionBytesPerSecond);
  });

  it("4,096 devices take links in proportion, and paths no longer than the sizes say", () => {
    const large = [
      built(torus({ sizes: [16, 16, 16], bytesPerSecond: RATE })),
      built(railFabric({ ...RAIL, nodes: 512, devicesPerNode: 8, nodesPerGroup: 32, spinesPerRail: 16 })),
      built(fatTree({ ports: 26, bytesPerSecond: RATE })),
      built(dragonfly({ ...DRAGONFLY, devicesPerRouter: 4, routersPerGroup: 8, globalPerRouter: 4 })),
    ];
    const longest = [24, 6, 6, 5];
    large.forEach((topology, i) => {
      expect(topology.from.length / topology.devices).toBeLessThan(8);
      for (let a = 0; a < topology.devices; a += 97) {
        for (let b = 0; b < topology.devices; b += 61) {
          const path = topology.path(a, b);
          walk(topology, path, a, b);
          expect(path.length).toBeLessThanOrEqual(longest[i]!);
        }
      }
    });
  });

  it("pairs spread over equal paths: no core of a fat tree has twice its part", () => {
    const tree = built(fatTree({ ports: 8, bytesPerSecond: RATE }));
    const cores = new Map<number, number>();
    for (let a = 0; a < 64; a++) {
      for (let b = 64; b < 128; b++) {
        const core = tree.to[tree.path(a, b)[2]!]!;
        cores.set(core, (cores.get(core) ?? 0) + 1);
      }
    }
    expect(cores.size).toBe(16);
    for (const count of cores.values()) expect(count).toBeLessThan((2 * 64 * 64) / 16);
  });

  it("sizes that make no sense are refused by name", () => {
    const details = [
      fatTree({ ports: 5, bytesPerSecond: 1 }),
      fatTree({ ports: 4, bytesPerSecond: 0 }),
      torus({ sizes: [], bytesPerSecond: 1 }),
      torus({ sizes: [4, 0], bytesPerSecond: 1 }),
      scaleUpDomain({ devices: 1.5, bytesPerSecond: 1 }),
      railFabric({ ...RAIL, nodes: 4, devicesPerNode: 2, nodesPerGroup: 2, spinesPerRail: 0 }),
      dragonfly({ ...DRAGONFLY, devicesPerRouter: 0, routersPerGroup: 2, globalPerRouter: 1 }),
      hostNode({ ...HOST, devices: 4, uplinkBytesPerSecond: Number.NaN }),
    ].map((result) => (result.ok ? "" : result.error.detail));
    expect(details.map((detail) => detail.split(":")[0])).toEqual([
      "ports is 5",
      "bytesPerSecond is 0",
      "a torus has at least one dimension",
      "dimension 2 is 0",
      "devices is 1.5",
      "spinesPerRail is 0",
      "devicesPerRouter is 0",
      "uplinkBytesPerSecond is NaN",
    ]);
  });
});

/** A path leads from a to b, link by link, and uses none twice. */
function walk(topology: Topology, path: readonly number[], a: number, b: number): void {
  let at = a;
  for (const link of path) {
    if (topology.from[link] !== at) throw new Error(`${topology.name}: ${a} to ${b} is torn`);
    at = topology.to[link]!;
  }
  if (at !== b || new Set(path).size !== path.length) throw new Error(`${topology.name}: ${a} to ${b} ends at ${at}`);
}

function leastCut(topology: Topology): number {
  let least = Number.POSITIVE_INFINITY;
  for (let mask = 0; mask < 1 << (topology.devices - 1); mask++) {
    const side = Array.from({ length: topology.devices }, (_, device) => ((mask >> device) & 1) === 1);
    if (side.filter((left) => left).length === topology.devices / 2) least = Math.min(least, cutOf(topology, side));
  }
  return least;
}

/** Maximum flow from one side's devices to the other's, by augmenting shortest paths. */
function cutOf(
  { devices, switches, from, to, bytesPerSecond }: Omit<Topology, "bisectionBytesPerSecond">,
  side: readonly boolean[],
): number {
  const source = devices + switches;
  const edges: [number, number, number][] = [];
  from.forEach((a, l) => void edges.push([a, to[l]!, bytesPerSecond[l]!]));
  for (let device = 0; device < devices; device++) edges.push(side[device]! ? [source, device, 1e12] : [device, source + 1, 1e12]);
  const ends = edges.flatMap(([a, b]) => [b, a]);
  const left = edges.flatMap(([, , rate]) => [rate, 0]);
  const out: number[][] = Array.from({ length: source + 2 }, () => []);
  edges.forEach(([a, b], e) => {
    out[a]!.push(2 * e);
    out[b]!.push(2 * e + 1);
  });
  let flow = 0;
  for (;;) {
    const via = new Array<number>(source + 2).fill(-1);
    const queue = [source];
    for (let i = 0; i < queue.length && via[source + 1] === -1; i++) {
      for (const arc of out[queue[i]!]!) {
        if (left[arc]! <= 1e-9 || via[ends[arc]!] !== -1 || ends[arc] === source) continue;
        via[ends[arc]!] = arc;
        queue.push(ends[arc]!);
      }
    }
    if (via[source + 1] === -1) return flow;
    let push = Number.POSITIVE_INFINITY;
    for (let v = source + 1; v !== source; v = ends[via[v]! ^ 1]!) push = Math.min(push, left[via[v]!]!);
    for (let v = source + 1; v !== source; v = ends[via[v]! ^ 1]!) {
      left[via[v]!]! -= push;
      left[via[v]! ^ 1]! += push;
    }
    flow += push;
  }
}
