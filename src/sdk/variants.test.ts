// Goal: a variant stands for its piece where its device is better or the only one, and is told apart from one that computes something else. Method: a
// device of two functions that takes LeakyRelu alone beside a cpu; pins send the piece there.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rack } from "../rack/rack.ts";
import { defineGraph } from "./define-graph.ts";
import { hostDevice } from "./host-device.ts";
import { openRack } from "./open-rack.ts";
import type { OpenRack, Tensor, Variant } from "./sdk-types.ts";
import { tensor } from "./tensor.ts";

const RACK: Rack = {
  version: 1,
  name: "cpu and unit",
  fingerprint: "any",
  devices: [{ id: "cpu", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram" }],
  memories: [{ id: "dram", tier: "dram", capacityBytes: 4e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
  links: [],
};
let leaks = 0;
const leakyUnit = hostDevice("leaky", {
  kind: "npu",
  refuses: ({ type }) => (type === "LeakyRelu" || type === "Abs" ? undefined : `no unit for ${type}`),
  compute: ({ type }, [x]) => {
    leaks++;
    const data = (x!.data as Float32Array).map((value) => (type === "Abs" ? Math.abs(value) : Math.max(0, value)));
    return [{ ...x!, data }];
  },
});
const graph = defineGraph("mlp", (g) => {
  const x = g.input("x", "f32", ["n", 2]);
  const y = g.op("Relu", [g.op("MatMul", [x, g.weight("w", tensor([1, 2, 3, -4], [2, 2]))], { name: "product" })], { name: "relu" });
  g.output("y", g.op("Add", [y, y], { name: "twice" }));
});
const piece = (
  name: string,
  operator: string,
  options: { input?: string; attributes?: Record<string, { float: number }> } = {},
): Variant => ({
  name,
  operators: "relu",
  device: "npu",
  graph: defineGraph(name, (g) => {
    const x = g.input(options.input ?? "product", "f32", ["n", 2]);
    g.output("relu", g.op(operator, [x], { name: "one", attributes: options.attributes ?? {} }));
  }),
});
const devices = [{ device: { id: "unit", kind: "npu" as const }, driver: leakyUnit }];
const x = tensor([1, 10, -1, -1], [2, 2]);
const values = ({ data }: Tensor): number[] => Array.from(data as Float32Array);

describe("variants", () => {
  let rack: OpenRack;
  beforeAll(async () => {
    const variants = [piece("leaky", "LeakyRelu", { attributes: { alpha: { float: 0 } } }), piece("wrong", "Abs")];
    rack = await openRack(RACK, { isolation: "inline", devices, variants: variants.slice(0, 1) });
  });
  afterAll(() => rack.close());

  it("run where the original is refused", async () => {
    const run = rack.submit(graph, { x }, { pin: { relu: "unit" } });
    expect(values((await run.outputs())["y"]!)).toEqual([62, 0, 0, 4]);
    expect((await run.done).stages.map(({ stage, device }) => [stage, device])).toContainEqual(["mlp[relu]", "unit"]);
    expect(leaks).toBe(1);
    expect(values((await rack.run(graph, { x }, { pin: { "*": "cpu" } }))["y"]!)).toEqual([62, 0, 0, 4]);
    expect(leaks).toBe(1);
  });

  it("are compared with what they stand for", async () => {
    const inputs = { product: tensor([-3, 4], [1, 2]) };
    expect(await rack.checkVariant(graph, "leaky", inputs)).toEqual({
      variant: "leaky",
      device: "unit",
      reference: "cpu",
      equal: true,
      difference: 0,
    });
    const other = await openRack(RACK, { isolation: "inline", devices, variants: [piece("wrong", "Abs")] });
    expect(await other.checkVariant(graph, "wrong", inputs)).toMatchObject({ equal: false, difference: 0.75 });
    await expect(other.checkVariant(graph, "none", inputs)).rejects.toMatchObject({ code: "input-invalid" });
    await other.close();
  });

  const wrong: [string, Variant, string][] = [
    ["inputs are called otherwise", piece("v", "LeakyRelu", { input: "x" }), "it must take and give product -> relu; it has x -> relu"],
    ["a device is not there", { ...piece("v", "LeakyRelu"), device: "gpu" }, "cpu, unit"],
    ["no device runs it", piece("v", "Sigmoid"), "no unit for Sigmoid"],
    ["its operators are no piece", { ...piece("v", "LeakyRelu"), operators: "t*" }, "it must take and give relu -> y"],
  ];
  it.each(wrong)("are refused where %s", async (_name, variant, message) => {
    const other = await openRack(RACK, { isolation: "inline", devices, variants: [variant] });
    await expect(other.run(graph, { x })).rejects.toThrow(message);
    await other.close();
  });

  it("are of convex pieces", async () => {
    const split = { ...piece("v", "LeakyRelu"), operators: "*o*" };
    const fork = defineGraph("fork", (g) => {
      const a = g.op("Relu", [g.input("x", "f32", ["n", 2])], { name: "one" });
      g.output("y", g.op("Add", [a, g.op("Abs", [a], { name: "middle" })], { name: "two" }));
    });
    const other = await openRack(RACK, { isolation: "inline", devices, variants: [split] });
    await expect(other.run(fork, { x })).rejects.toMatchObject({ code: "graph-invalid", message: expect.stringContaining("no stage") });
    await other.close();
  });
});
