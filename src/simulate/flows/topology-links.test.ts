import { describe, expect, it } from "vitest";
import { fatTree } from "../../rack/topology/fat-tree.ts";
import { railFabric } from "../../rack/topology/rail-fabric.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import { torus } from "../../rack/topology/torus.ts";
import { createFlowNetwork } from "./flow-network.ts";
import { topologyLinks } from "./topology-links.ts";

/** All devices send `bytes` at once to where `target` says; the time until the last is there. Units: ns. */
function lastEnd(topology: Topology, bytes: number, target: (device: number) => number): number {
  const network = createFlowNetwork(topologyLinks(topology));
  for (let device = 0; device < topology.devices; device++)
    network.start(device, topology.path(device, target(device)), { bytes, nowNs: 0 });
  let last = 0;
  for (let next = network.nextFinish(); next !== undefined; next = network.nextFinish()) {
    last = next.timeNs;
    network.advance(last);
  }
  return last;
}

describe("flows over topologies", () => {
  it("rails: neighbours on one rail get their whole card, nodes of another rail share nothing but NVLink", () => {
    const made = railFabric({
      nodes: 8,
      devicesPerNode: 4,
      nodesPerGroup: 8,
      spinesPerRail: 0,
      scaleUpBytesPerSecond: 400e9,
      cardBytesPerSecond: 50e9,
      spineBytesPerSecond: 50e9,
    });
    if (!made.ok) throw new Error(made.error.detail);
    expect(lastEnd(made.value, 50e6, (device) => (device + 4) % 32)).toBe(1_000_000);
    // To the next rail of the next node: over NVLink to the own node's device there, whose card nobody else uses.
    expect(lastEnd(made.value, 50e6, (device) => ((Math.floor(device / 4) + 1) % 8) * 4 + ((device + 1) % 4))).toBe(1_000_000);
    // All to the rails of device 0: four of a node share its one card on that rail.
    expect(lastEnd(made.value, 50e6, (device) => ((Math.floor(device / 4) + 1) % 8) * 4)).toBe(4_000_000);
  });

  it("a torus of 8 shifted by its half sends 4 hops of everyone over each link one way", () => {
    const made = torus({ sizes: [8], bytesPerSecond: 100e9 });
    if (!made.ok) throw new Error(made.error.detail);
    expect(lastEnd(made.value, 100e6, (device) => (device + 4) % 8)).toBe(4_000_000);
  });

  it("a fat tree with hashed paths is slower than its bisection allows, by collisions alone", () => {
    const made = fatTree({ ports: 8, bytesPerSecond: 50e9 });
    if (!made.ok) throw new Error(made.error.detail);
    const last = lastEnd(made.value, 50e6, (device) => (device + 64) % 128);
    expect(last).toBeGreaterThan(1_000_000);
    expect(last).toBeLessThan(5_000_001);
  });
});
