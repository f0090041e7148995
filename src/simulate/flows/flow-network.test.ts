import { describe, expect, it } from "vitest";
import { createFlowNetwork } from "./flow-network.ts";
import type { FlowNetwork, FlowOptions } from "./flow-types.ts";

/** One byte a nanosecond. */
const UNIT = 1e9;

interface Case {
  readonly name: string;
  /** Rates of links in bytes/ns. */
  readonly links: readonly number[];
  /** Flow, path, bytes, start, options. */
  readonly flows: readonly (readonly [number, readonly number[], number, number, FlowOptions?])[];
  readonly ends: Readonly<Record<number, number>>;
  readonly speeds?: readonly (readonly [number, number, number])[];
}

/** Ends worked out by hand; every share is a fraction of small whole numbers. */
const CASES: readonly Case[] = [
  { name: "alone", links: [1], flows: [[1, [0], 1000, 7]], ends: { 1: 1007 } },
  {
    name: "equal",
    links: [1],
    flows: [
      [1, [0], 1000, 0],
      [2, [0], 1000, 0],
    ],
    ends: { 1: 2000, 2: 2000 },
  },
  {
    name: "staggered: 500 alone, 500 at half; the other gets the link back",
    links: [1],
    flows: [
      [1, [0], 1000, 0],
      [2, [0], 1000, 500],
    ],
    ends: { 1: 1500, 2: 2000 },
  },
  {
    name: "three staggered: halves, then thirds, then halves",
    links: [1],
    flows: [
      [1, [0], 1000, 0],
      [2, [0], 1000, 100],
      [3, [0], 1000, 200],
    ],
    ends: { 1: 2750, 2: 2950, 3: 3000 },
  },
  {
    name: "weights 3 to 1",
    links: [1],
    flows: [
      [1, [0], 900, 0, { weight: 3 }],
      [2, [0], 900, 0],
    ],
    ends: { 1: 1200, 2: 1800 },
  },
  {
    name: "strict priority stops the lower one",
    links: [1],
    flows: [
      [1, [0], 1000, 0],
      [2, [0], 1000, 500, { priority: 1 }],
    ],
    ends: { 1: 2000, 2: 1500 },
  },
  {
    name: "a lower priority takes what a narrow path of the higher one leaves",
    links: [4, 1],
    flows: [
      [1, [0, 1], 1000, 0, { priority: 5 }],
      [2, [0], 3000, 0, { priority: -5 }],
    ],
    ends: { 1: 1000, 2: 1000 },
  },
  {
    name: "a path of two links: the middle flow is bound by one, its neighbour takes the rest of the other",
    links: [1, 2],
    flows: [
      [1, [0, 1], 1000, 0],
      [2, [0], 500, 0],
      [3, [1], 3000, 0],
    ],
    ends: { 1: 1500, 2: 1000, 3: 2000 },
  },
  {
    name: "three links, ends far away change nothing in between",
    links: [1, 2, 1],
    flows: [
      [1, [0, 1], 1000, 0],
      [2, [0], 250, 0],
      [3, [1, 2], 250, 0],
      [4, [2], 1000, 0],
    ],
    ends: { 1: 1250, 2: 500, 3: 500, 4: 1250 },
  },
  {
    name: "bottleneck shifts: a flow that ends on one link slows a third on another",
    links: [1, 1.2],
    flows: [
      [1, [0, 1], 1100, 0],
      [2, [0], 500, 0],
      [3, [1], 1300, 0],
    ],
    ends: { 1: 2000, 2: 1000, 3: 2000 },
  },
  {
    name: "ends between nanoseconds free the link at once: 2/3 ns, then 1 ns",
    links: [3],
    flows: [
      [1, [0], 1, 0],
      [2, [0], 2, 0],
    ],
    ends: { 1: 1, 2: 1 },
  },
  {
    name: "a greatest rate of its own",
    links: [1],
    flows: [
      [1, [0], 250, 0, { bytesPerSecondMax: 0.25 * UNIT }],
      [2, [0], 1000, 0],
    ],
    ends: { 1: 1000, 2: 1250 },
  },
  {
    name: "a link goes down and comes back at double speed",
    links: [1],
    flows: [[1, [0], 1000, 0]],
    speeds: [
      [0, 0, 300],
      [0, 2, 800],
    ],
    ends: { 1: 1150 },
  },
  {
    name: "no bytes and no path end at once",
    links: [1],
    flows: [
      [1, [0], 0, 10],
      [2, [], 99, 20],
    ],
    ends: { 1: 10, 2: 20 },
  },
];

describe("flows over shared links", () => {
  for (const { name, links, flows, ends, speeds = [] } of CASES) {
    it(name, () => {
      const network = createFlowNetwork(links.map((rate) => ({ bytesPerSecond: rate * UNIT })));
      const told: Record<number, number> = {};
      const acts = [
        ...flows.map(([flow, path, bytes, nowNs, options]) => ({ nowNs, act: () => network.start(flow, path, { bytes, nowNs }, options) })),
        ...speeds.map(([link, rate, nowNs]) => ({ nowNs, act: () => network.setCapacity(link, rate * UNIT, nowNs) })),
      ].sort((a, b) => a.nowNs - b.nowNs);
      for (const { nowNs, act } of acts) {
        network.advance(nowNs, (flow, timeNs) => (told[flow] = timeNs));
        act();
      }
      drain(network, told);
      expect(told).toEqual(ends);
      expect(network.size).toBe(0);
    });
  }

  it("what ends before a start is told by the next advance, at its own time", () => {
    const network = createFlowNetwork([{ bytesPerSecond: UNIT }]);
    network.start(1, [0], { bytes: 100, nowNs: 0 });
    network.start(2, [0], { bytes: 100, nowNs: 150 });
    expect(network.nextFinish()).toEqual({ timeNs: 100, flow: 1 });
    const told: Record<number, number> = {};
    drain(network, told);
    expect(told).toEqual({ 1: 100, 2: 250 });
  });

  it("stays exact over days of virtual time", () => {
    const network = createFlowNetwork([{ bytesPerSecond: UNIT }]);
    const start = 86_400e9 * 3;
    network.start(1, [0], { bytes: 1e9, nowNs: start });
    network.start(2, [0], { bytes: 1e9, nowNs: start });
    const told: Record<number, number> = {};
    drain(network, told);
    expect(told).toEqual({ 1: start + 2e9, 2: start + 2e9 });
  });

  it("cancels: the rest goes faster, the bytes not moved are told", () => {
    const network = createFlowNetwork([{ bytesPerSecond: UNIT }]);
    network.start(1, [0], { bytes: 1000, nowNs: 0 });
    network.start(2, [0], { bytes: 1000, nowNs: 0 });
    expect(network.rateOf(1)).toBe(UNIT / 2);
    expect(network.cancel(1, 400)).toBeCloseTo(800, 9);
    expect(network.rateOf(1)).toBe(0);
    expect(network.nextFinish()).toEqual({ timeNs: 1200, flow: 2 });
  });

  it("a flow on a link that is down never ends, and says so", () => {
    const network = createFlowNetwork([{ bytesPerSecond: 0 }]);
    network.start(1, [0], { bytes: 1, nowNs: 0 });
    expect(network.nextFinish()).toBeUndefined();
    expect(network.advance(1e12)).toBe(0);
    expect(network.size).toBe(1);
  });

  it("refuses what has no meaning", () => {
    const network = createFlowNetwork([{ bytesPerSecond: UNIT }]);
    network.start(1, [0], { bytes: 10, nowNs: 5 });
    expect(() => network.start(1, [0], { bytes: 10, nowNs: 5 })).toThrow("not under way");
    expect(() => network.start(2, [1], { bytes: 10, nowNs: 5 })).toThrow("links of the network");
    expect(() => network.start(2, [0], { bytes: Number.NaN, nowNs: 5 })).toThrow("finite");
    expect(() => network.start(2, [0], { bytes: 1, nowNs: 4 })).toThrow("never goes back");
    expect(() => network.start(2, [0], { bytes: 1, nowNs: 5 }, { weight: 0 })).toThrow("weight");
    expect(() => network.cancel(9, 5)).toThrow("under way");
    expect(() => createFlowNetwork([{ bytesPerSecond: -1 }])).toThrow("rate");
  });
});

function drain(network: FlowNetwork, told: Record<number, number>): void {
  for (let next = network.nextFinish(); next !== undefined; next = network.nextFinish()) {
    expect(network.advance(next.timeNs, (flow, timeNs) => (told[flow] = timeNs))).toBeGreaterThan(0);
  }
}
