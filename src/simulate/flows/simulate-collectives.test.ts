/**
 * Goal: collectives of several jobs share a network as their rings, trees and pairs do, over rails and over leaves that are oversubscribed.
 * Method: cases whose times follow by hand from bytes over the narrowest link; a planted fault (a ring in a bad order) shows.
 */
import { describe, expect, it } from "vitest";
import type { Result } from "../../base/result.ts";
import { allToAllPattern, topologyLoad } from "../../cost/network/topology-load.ts";
import { leafSpine } from "../../rack/topology/leaf-spine.ts";
import { railFabric } from "../../rack/topology/rail-fabric.ts";
import { scaleUpDomain } from "../../rack/topology/scale-up-domain.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { TopologyFault } from "../../rack/topology/topology-fault.ts";
import type { CollectiveJob, CollectiveRun } from "./collective-job.ts";
import { nodeRings } from "./node-rings.ts";
import { simulateCollectives } from "./simulate-collectives.ts";

function must<T>(result: Result<T, TopologyFault>): T {
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

function job(orders: readonly (readonly number[])[], rest: Partial<CollectiveJob> = {}): CollectiveJob {
  return { name: "a", kind: "all-reduce", orders, bytes: 50e6, startNs: 0, ...rest };
}

const run = (topology: Topology, ...jobs: CollectiveJob[]): CollectiveRun[] => must(simulateCollectives(topology, jobs));
const NVLINK = must(scaleUpDomain({ devices: 8, bytesPerSecond: 100e9 }));
/** Two leaves of two cards, one link of a card's rate between them: 2 : 1. */
const NARROW = must(leafSpine({ leaves: 2, devicesPerLeaf: 2, spines: 1, cardBytesPerSecond: 50e9, spineBytesPerSecond: 50e9 }));
const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

describe("one job", () => {
  it("a ring of 8 moves 2 x 7/8 of its bytes over every link, and takes 14 steps", () => {
    const [ring] = run(NVLINK, job([EIGHT], { bytes: 8e6, stepNs: 500 }));
    expect(ring).toMatchObject({ endNs: [140_000 + 7000], meanNs: 147_000, aloneNs: 147_000 });
    expect(ring!.busBytesPerSecond).toBeCloseTo((8e6 * 1.75 * 1e9) / 147_000, 0);
    expect(run(NVLINK, job([EIGHT], { kind: "all-gather", bytes: 8e6 }))[0]!.endNs).toEqual([70_000]);
    // Two rings share the links: each carries half.
    expect(run(NVLINK, job([EIGHT, [...EIGHT].reverse()], { bytes: 8e6 }))[0]!.endNs).toEqual([140_000]);
  });

  it("two trees of 8 with half of the bytes each: the busiest device has 2 children in one and 1 in the other, its parents besides", () => {
    // Order 0..7: 1 has parent and 2 children (3, 4); turned round it is the place 6: a leaf. 4 x half of the bytes in and out.
    const [tree] = run(NVLINK, job([EIGHT], { algorithm: "tree", bytes: 8e6, stepNs: 500 }));
    expect(tree!.endNs).toEqual([(4 * 4e6) / 100 + 6 * 500]);
  });

  it("a switch that adds up moves 9/8 of the bytes over each link instead of 14/8, in two steps", () => {
    const [sum] = run(NVLINK, job([EIGHT], { algorithm: "in-switch", bytes: 8e6, stepNs: 500 }));
    expect(sum!.endNs).toEqual([90_000 + 1000]);
    // The leaf switch of two devices may add up as well.
    expect(run(NARROW, job([[2, 3]], { algorithm: "in-switch" }))[0]!.endNs).toEqual([1_500_000]);
  });

  it("an all-to-all ends when the busiest link has moved its bytes", () => {
    const [all] = run(NVLINK, job([EIGHT], { kind: "all-to-all", bytes: 8e6 }));
    expect(all!.endNs).toEqual([Math.ceil(topologyLoad(NVLINK, allToAllPattern(EIGHT, 8e6)).leastNs)]);
    expect(all!.endNs).toEqual([70_000]);
  });

  it("a ring whose order crosses the spine twice takes twice as long on leaves of 2 : 1", () => {
    // 2 x 3/4 of 50 MB over 50 GB/s.
    expect(run(NARROW, job([[0, 1, 2, 3]]))[0]!.endNs).toEqual([1_500_000]);
    expect(run(NARROW, job([[0, 2, 1, 3]]))[0]!.endNs).toEqual([3_000_000]);
  });
});

describe("rails", () => {
  const sizes = { nodes: 4, devicesPerNode: 8, nodesPerGroup: 2, scaleUpBytesPerSecond: 450e9, cardBytesPerSecond: 50e9 };
  // 2 x 31/32 of 320 MB in 8 parts over cards of 50 GB/s.
  const cardBound = (2 * (31 / 32) * 320e6) / 8 / 50;

  it("eight channels use every card of a node; one channel uses one", () => {
    const fabric = must(railFabric({ ...sizes, spinesPerRail: 1, spineBytesPerSecond: 100e9 }));
    expect(run(fabric, job(nodeRings(4, 8), { bytes: 320e6 }))[0]!.endNs).toEqual([cardBound]);
    expect(run(fabric, job(nodeRings(4, 8).slice(0, 1), { bytes: 320e6 }))[0]!.endNs).toEqual([8 * cardBound]);
  });

  it("a spine of half of the cards' rate does not hold up one ring a rail, but two jobs a node apart", () => {
    // Nodes 0 and 1 on one leaf of a rail, 2 and 3 on the other: a ring over all crosses once each way; jobs 0-2 and 1-3 cross side by side.
    const fabric = must(railFabric({ ...sizes, spinesPerRail: 1, spineBytesPerSecond: 50e9 }));
    expect(run(fabric, job(nodeRings(4, 8), { bytes: 320e6 }))[0]!.endNs).toEqual([cardBound]);
    const over = (nodes: readonly [number, number]): number[][] =>
      nodeRings(2, 8).map((order) => order.map((device) => nodes[device < 8 ? 0 : 1] * 8 + (device % 8)));
    const jobs = run(fabric, job(over([0, 2]), { bytes: 320e6 }), job(over([1, 3]), { name: "b", bytes: 320e6 }));
    const alone = (2 * (15 / 16) * 320e6) / 8 / 50;
    expect(jobs.map(({ aloneNs, meanNs }) => [aloneNs, meanNs])).toEqual([
      [alone, 2 * alone],
      [alone, 2 * alone],
    ]);
  });
});

describe("jobs that contend", () => {
  it("share the spine from when the second starts, and the last has it to itself", () => {
    // Each alone 1 ms; the second starts at 0.5 ms: 0.5 + 2 x 0.5 = 1.5 ms, then the other half millisecond.
    const jobs = run(NARROW, job([[0, 2]]), job([[1, 3]], { name: "b", startNs: 500_000 }));
    expect(jobs.map(({ endNs }) => endNs)).toEqual([[1_500_000], [2_000_000]]);
    expect(jobs.map(({ aloneNs }) => aloneNs)).toEqual([1_000_000, 1_000_000]);
  });

  it("on one leaf they do not meet", () => {
    expect(run(NARROW, job([[0, 1]]), job([[2, 3]])).map(({ meanNs }) => meanNs)).toEqual([1_000_000, 1_000_000]);
  });

  it("repeats with pauses interleave: computing hides what the other sends", () => {
    // a sends 1 ms and computes 1 ms; b starts when a computes: neither waits.
    const jobs = run(
      NARROW,
      job([[0, 2]], { repeats: 3, pauseNs: 1_000_000 }),
      job([[1, 3]], { name: "b", startNs: 1_000_000, repeats: 3, pauseNs: 1_000_000 }),
    );
    expect(jobs[0]!.endNs).toEqual([1e6, 3e6, 5e6]);
    expect(jobs[1]!.endNs).toEqual([2e6, 4e6, 6e6]);
    expect(jobs.map(({ meanNs }) => meanNs)).toEqual([1e6, 1e6]);
  });
});

it.each<[Partial<CollectiveJob>, string]>([
  [{ orders: [] }, "two devices"],
  [{ orders: [[0]] }, "two devices"],
  [{ orders: [[0, 9]] }, "device 9 of 4"],
  [{ orders: [[0, 0]] }, "twice"],
  [
    {
      orders: [
        [0, 1],
        [0, 2],
      ],
    },
    "unlike devices",
  ],
  [
    {
      kind: "all-to-all",
      orders: [
        [0, 1],
        [1, 0],
      ],
    },
    "one order",
  ],
  [{ kind: "all-gather", algorithm: "tree" }, "no tree algorithm does all-gather"],
  [{ kind: "reduce-scatter", algorithm: "in-switch" }, "no in-switch algorithm does reduce-scatter"],
  [{ algorithm: "in-switch", orders: [[0, 1, 2]] }, "one switch between all devices"],
  [{ bytes: Number.NaN }, "NaN bytes"],
  [{ startNs: 0.5 }, "whole nanoseconds"],
  [{ repeats: 0 }, "0 repeats"],
])("refuses %j", (fault, detail) => {
  const result = simulateCollectives(NARROW, [job([[0, 1]], fault)]);
  expect(result.ok ? "" : result.error.detail).toContain(detail);
});

it("refuses what would take too much memory, and links that are down, before and instead of hanging", () => {
  const many = must(scaleUpDomain({ devices: 2048, bytesPerSecond: 1e9 }));
  const all = Array.from({ length: 2048 }, (_, device) => device);
  const detail = (...jobs: CollectiveJob[]): string => {
    const result = simulateCollectives(many, jobs);
    return result.ok ? "" : result.error.detail;
  };
  expect(detail(job([all], { kind: "all-to-all" }))).toContain("4192256 flows");
  expect(detail(job([all]), job([all.slice(0, 128)], { kind: "all-to-all" }))).toContain("too much memory");
  expect(detail(job([all]))).toBe("");
  const down: Topology = { ...NVLINK, bytesPerSecond: NVLINK.bytesPerSecond.map((rate, link) => (link === 3 ? 0 : rate)) };
  const stopped = simulateCollectives(down, [job([EIGHT])]);
  expect(stopped.ok ? "" : stopped.error.detail).toContain("a link of its paths is down");
});

it("a leaf and spine network says its oversubscription and halves its bisection by it", () => {
  expect(NARROW.name).toContain("2.0 : 1");
  expect(NARROW.bisectionBytesPerSecond).toBe(50e9);
  expect(leafSpine({ leaves: 2, devicesPerLeaf: 2, spines: 0, cardBytesPerSecond: 1, spineBytesPerSecond: 1 }).ok).toBe(false);
});
