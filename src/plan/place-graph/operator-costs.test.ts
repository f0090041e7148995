// Goal: an operator's time, weights and output are those a pencil gives. Method: a product and an addition on a device of round figures.
import { expect, it } from "vitest";
import { createGraphBuilder } from "../../graph/ir/build-graph.ts";
import { constant, symbol } from "../../graph/ir/expression.ts";
import type { Graph } from "../../graph/ir/graph.ts";
import type { DeviceFigures } from "../../inspect/classify/device-figures.ts";
import { operatorCosts } from "./operator-costs.ts";

/** y = x W for x of [tokens, 1000] and W of [1000, 500], then z = y + y. */
function product(): Graph {
  const builder = createGraphBuilder();
  const tokens = symbol("tokens");
  const x = builder.tensor({ name: "x", type: "f32", shape: [tokens, constant(1000)], origin: "input" });
  const w = builder.tensor({ name: "w", type: "f32", shape: [constant(1000), constant(500)], origin: "weight" });
  const y = builder.tensor({ name: "y", type: "f32", shape: [tokens, constant(500)], origin: "activation" });
  const z = builder.tensor({ name: "z", type: "f32", shape: [tokens, constant(500)], origin: "activation" });
  const common = { domain: "onnx", attributes: {}, accesses: [], scope: "" };
  builder.operator({ ...common, name: "multiply", type: "MatMul", inputs: [x, w], outputs: [y] });
  builder.operator({ ...common, name: "add", type: "Add", inputs: [y, y], outputs: [z] });
  builder.operator({ ...common, name: "strange", type: "NoSuchOperator", inputs: [z], outputs: [] });
  return builder.build({ name: "product", source: "test", inputs: [x], outputs: [z] });
}

const grounded = { basis: "data-sheet", source: "a pencil" } as const;
const figures: DeviceFigures = {
  id: "round",
  kind: "npu",
  peaks: [{ ...grounded, type: "f32", operationsPerSecond: 1e12 }],
  bandwidth: { ...grounded, bytesPerSecond: 1e9 },
  overheads: { ...grounded, launchNs: 0, operatorNs: 100 },
  link: undefined,
  memory: { ...grounded, id: "m", capacityBytes: 1e9, sharedWith: [] },
};
const type = { name: "round", count: 1, memoryBytes: 1e9, link: { bytesPerSecond: 1, latencyNs: 0 }, ids: ["round"], figures };

it("takes roofline time, holds its weights, hands on what is read", () => {
  const noPeak = { ...type, figures: { ...figures, peaks: [] } };
  const [multiply, add, strange] = operatorCosts({ graph: product(), sizes: { tokens: 10 }, type: "f32" }, [type, noPeak]);
  // 4 x (500,000 + 10,000 + 5,000) bytes at 1 GB/s; 10^7 operations at 1 TFLOP/s are less.
  expect(multiply!.times[0]).toBeCloseTo(4 * 515_000 + 100, 6);
  expect(multiply!.times[1]).toBe(Infinity);
  expect([multiply!.weightBytes, multiply!.outputBytes]).toEqual([2_000_000, 20_000]);
  // No operations are counted for it: it needs no peak.
  expect(add!.times[0]).toBe(add!.times[1]);
  expect(add!.times[0]).toBeGreaterThan(4 * 10_000);
  expect([add!.weightBytes, add!.outputBytes]).toEqual([0, 20_000]);
  expect(strange).toEqual({ times: [0, 0], weightBytes: 0, outputBytes: 0 });
});
