// Goal: the evaluators score what the definition says. Method: a diamond and a training pair, counted by hand.
import { describe, expect, it } from "vitest";
import { breachesOf, evaluate, splitDevices } from "./evaluate.ts";
import { latencyOf } from "./latency.ts";
import type { OperatorNode, PartitionProblem } from "./problem.ts";
import { stagesHold, stagesOf } from "./stages.ts";

const node = (accelerator: number, cpu: number, outputCost: number, rest: Partial<OperatorNode> = {}): OperatorNode => ({
  times: [accelerator, cpu],
  bytes: 10,
  outputCost,
  backward: false,
  ...rest,
});

/** 0 -> {1, 2} -> 3 on two accelerators (devices 0 and 1) and a CPU (2). */
const diamond: PartitionProblem = {
  types: [
    { name: "accelerator", count: 2, memoryBytes: 25, transferFactor: 1 },
    { name: "cpu", count: 1, memoryBytes: Infinity, transferFactor: 0 },
  ],
  nodes: [node(4, 40, 1), node(2, 20, 3), node(5, 50, 7), node(1, 10, 9, { colour: 1 })],
  edges: [
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 3],
  ],
};
const on = (...devices: number[]): Int32Array => Int32Array.from(devices);

describe("evaluate", () => {
  it("charges the maker once and each other reading device once", () => {
    // Device 0: 4 + 1 out. Device 1: 2 + 5 + 1 + 1 in of node 0's output, once for both readers.
    expect([...evaluate(diamond, on(0, 1, 1, 1)).loads]).toEqual([5, 9, 0]);
    // Device 0: 4 + 2 + (1 out) + (3 out); device 1: 5 + 1 + (1 in) + (3 in).
    expect([...evaluate(diamond, on(0, 0, 1, 1)).loads]).toEqual([10, 10, 0]);
  });

  it("lets a CPU pay no transfer, and the accelerator it feeds all of it", () => {
    // CPU: 40. Device 0: 2 + 1 in + 3 out. Device 1: 5 + 1 + 1 in + 3 in.
    expect([...evaluate(diamond, on(2, 0, 1, 1)).loads]).toEqual([6, 10, 40]);
  });

  it("names every breach", () => {
    expect(breachesOf(diamond, on(0, 0, 1, 1))).toEqual([]);
    expect(breachesOf(diamond, on(0, 0, 0, 1))).toEqual([{ code: "memory", device: 0, bytes: 30 }]);
    const nodes = [node(Infinity, 1, 0, { colour: 1 }), ...diamond.nodes.slice(1)];
    expect(breachesOf({ ...diamond, nodes }, on(0, 2, 2, 1)).map(({ code }) => code)).toEqual(["unsupported", "colour-apart"]);
  });

  it("finds a device that a path leaves and comes back to, backward parts apart", () => {
    expect(splitDevices(diamond, on(0, 1, 0, 1))).toEqual([]);
    expect(splitDevices(diamond, on(0, 1, 0, 0))).toEqual([0]);
    expect(splitDevices(diamond, on(2, 0, 2, 2))).toEqual([]);
    const backward = { ...diamond, nodes: diamond.nodes.map((each, i) => ({ ...each, backward: i === 3 })) };
    expect(splitDevices(backward, on(0, 1, 0, 0))).toEqual([]);
  });
});

describe("latencyOf", () => {
  it("adds input, compute and output of a device, and lets CPU nodes run side by side", () => {
    // Device 0: 4 + 2 + 1 + 3 = 10; device 1: 1 + 3 + 5 + 1 = 10 after it.
    expect(latencyOf(diamond, on(0, 0, 1, 1))).toBe(20);
    // CPU: 40, then 20 beside 50, then 10.
    expect(latencyOf(diamond, on(2, 2, 2, 2))).toBe(100);
    // Device 0: 4 + 1; then CPU 20 and device 1 (1 + 5 + 7 = 13) side by side; then CPU 10.
    expect(latencyOf(diamond, on(0, 2, 1, 2))).toBe(35);
  });

  it("is infinite where two devices wait for each other", () => {
    expect(latencyOf(diamond, on(0, 1, 0, 0))).toBe(Infinity);
  });
});

describe("stagesOf", () => {
  it("gives a contiguous split one stage a device, and cuts others where they return", () => {
    expect(stagesOf(diamond, on(0, 0, 1, 1))).toEqual([
      { device: 0, nodes: [0, 1] },
      { device: 1, nodes: [2, 3] },
    ]);
    const stages = stagesOf(diamond, on(0, 1, 0, 0))!;
    expect(stages.map(({ device }) => device)).toEqual([0, 1, 0]);
    expect(stagesHold(diamond, on(0, 1, 0, 0), stages)).toBe(true);
  });

  it("refuses stages in a wrong order, twice or missing", () => {
    const split = on(0, 0, 1, 1);
    const [first, second] = stagesOf(diamond, split)!;
    expect(stagesHold(diamond, split, [second!, first!])).toBe(false);
    expect(stagesHold(diamond, split, [first!])).toBe(false);
    expect(stagesHold(diamond, split, [first!, second!, second!])).toBe(false);
  });
});
