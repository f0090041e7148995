import { describe, expect, it } from "vitest";
import type { Result } from "../../base/result.ts";
import { fatTree } from "../../rack/topology/fat-tree.ts";
import { railFabric } from "../../rack/topology/rail-fabric.ts";
import { scaleUpDomain } from "../../rack/topology/scale-up-domain.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { TopologyFault } from "../../rack/topology/topology-fault.ts";
import { torus } from "../../rack/topology/torus.ts";
import { allToAllPattern, ringPattern, topologyLoad } from "./topology-load.ts";

const GB = 1e9;

function built(result: Result<Topology, TopologyFault>): Topology {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

function devicesOf({ devices }: Topology): number[] {
  return Array.from({ length: devices }, (_, device) => device);
}

describe("loads of a topology", () => {
  it("all-to-all in a scale-up domain is bound by each device's own links", () => {
    const domain = built(scaleUpDomain({ devices: 72, bytesPerSecond: 900 * GB }));
    expect(topologyLoad(domain, allToAllPattern(devicesOf(domain), 72e6)).leastNs).toBeCloseTo((71e6 / 900e9) * 1e9, 6);
  });

  it("all-to-all on a ring of n is bound by n / 8 times its bytes on every link, as known of even rings with ties sent one way", () => {
    for (const n of [8, 16, 32]) {
      const ring = built(torus({ sizes: [n], bytesPerSecond: 100 * GB }));
      const { leastNs, busiest } = topologyLoad(ring, allToAllPattern(devicesOf(ring), n * 1e6));
      // Upward links carry hops 1 .. n/2 of every device: n/2 (n/2 + 1) / 2 messages.
      expect(leastNs).toBeCloseTo((((n / 2) * (n / 2 + 1)) / 2) * 1e4, 6);
      expect(busiest).toBeGreaterThanOrEqual(0);
    }
  });

  it("rings along a torus use each link once; both ways halve the time", () => {
    const ring = built(torus({ sizes: [16], bytesPerSecond: 100 * GB }));
    expect(topologyLoad(ring, ringPattern(devicesOf(ring), 1e8, false)).leastNs).toBeCloseTo(1e6, 6);
    expect(topologyLoad(ring, ringPattern(devicesOf(ring), 1e8, true)).leastNs).toBeCloseTo(0.5e6, 6);
  });

  it("a fabric of rails carries all-to-all between nodes at its cards' rate; a tree's hashed paths collide", () => {
    const rails = built(
      railFabric({
        nodes: 4,
        devicesPerNode: 8,
        nodesPerGroup: 4,
        spinesPerRail: 0,
        scaleUpBytesPerSecond: 450 * GB,
        cardBytesPerSecond: 50 * GB,
        spineBytesPerSecond: 50 * GB,
      }),
    );
    // Each card takes what 8 devices of its node send to its rail of 3 other nodes: 24 messages.
    expect(topologyLoad(rails, allToAllPattern(devicesOf(rails), 32e6)).leastNs).toBeCloseTo((24e6 / 50e9) * 1e9, 6);
    const tree = built(fatTree({ ports: 4, bytesPerSecond: 50 * GB }));
    const least = topologyLoad(tree, allToAllPattern(devicesOf(tree), 16e6)).leastNs;
    expect(least).toBeGreaterThanOrEqual((15e6 / 50e9) * 1e9);
    expect(least).toBeLessThan((30e6 / 50e9) * 1e9);
  });

  it("nothing moves, nothing is busy", () => {
    const ring = built(torus({ sizes: [4], bytesPerSecond: GB }));
    expect(topologyLoad(ring, [[1, 1, 5]])).toMatchObject({ busiest: -1, leastNs: 0 });
  });
});
