// Goal: a graph on a rack gives what ONNX Runtime gives for the whole of it, whatever the cut and the devices. Method: small graphs on two cpu devices in
// this process, held against their own arithmetic.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rack } from "../rack/rack.ts";
import { defineGraph } from "./define-graph.ts";
import { openRack } from "./open-rack.ts";
import type { OpenRack } from "./sdk-types.ts";
import { tensor } from "./tensor.ts";

const TWO_CPUS: Rack = {
  version: 1,
  name: "two cpus",
  fingerprint: "any",
  devices: [0, 1].map((core) => ({ id: `cpu-${core}`, kind: "cpu", driver: "ort", threads: 1, cores: [core], memory: "dram" })),
  memories: [{ id: "dram", tier: "dram", capacityBytes: 4e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
  links: [],
};

const mlp = defineGraph("mlp", (g) => {
  const x = g.input("x", "f32", ["n", 2]);
  const y = g.op("MatMul", [x, g.weight("w", tensor([1, 2, 3, 4], [2, 2]))], { name: "product" });
  g.output("y", g.op("Relu", [y], { name: "relu" }));
});

describe("openRack", () => {
  let rack: OpenRack;
  beforeAll(async () => {
    rack = await openRack(TWO_CPUS, { isolation: "inline" });
  });
  afterAll(() => rack.close());

  it("runs a graph", async () => {
    const { y } = await rack.run(mlp, { x: tensor([1, 10, -1, -10], [2, 2]) });
    expect(y).toEqual({ type: "f32", dims: [2, 2], data: Float32Array.of(31, 42, 0, 0) });
  });
});
