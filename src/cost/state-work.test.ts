/** Goal: work of operators on state. Method: counted by hand, and the sum over bytes against the one over sizes. */
import { expect, test } from "vitest";
import { evaluate } from "../graph/ir/expression.ts";
import { stateProgramOf } from "../graph/program/state-program.ts";
import type { StateProgram } from "../graph/program/state-spec.ts";
import { stateBytes, stateWork } from "./state-work.ts";

const PROGRAM: StateProgram = {
  name: "all",
  inputs: [
    { name: "pages", type: "f32", dims: ["p", 8] },
    { name: "index", type: "i32", dims: ["n"] },
    { name: "chosen", type: "i32", dims: ["n", 2] },
    { name: "weights", type: "f32", dims: ["n", 2] },
  ],
  operators: [
    { type: "Pack", inputs: ["pages", "index"], outputs: ["x"] },
    { type: "QuantizeInt8", inputs: ["x"], outputs: ["codes", "scale"] },
    { type: "DequantizeInt8", inputs: ["codes", "scale"], outputs: ["back"] },
    { type: "Dispatch", inputs: ["back", "chosen"], outputs: ["rows", "counts", "order"], attributes: { experts: 5 } },
    { type: "Combine", inputs: ["rows", "order", "weights"], outputs: ["y"] },
    { type: "QuantizeFp8", inputs: ["y"], outputs: ["codes8", "scale8"], attributes: { block: 3 } },
    { type: "Hash", inputs: ["codes8"], outputs: ["digest"] },
  ],
  outputs: ["digest", "scale8", "counts"],
};

test("bytes and operations of each operator", () => {
  const { graph } = stateProgramOf(PROGRAM);
  const [p, n] = [1_000, 3];
  const works = graph.operators.map((operator) => {
    const { bytes, flops } = stateWork(graph, operator);
    return [operator.type, evaluate(bytes, { p, n }), evaluate(flops, { p, n })];
  });
  const x = n * 8 * 4;
  expect(works).toEqual([
    // The pages that are taken are read, not all of them.
    ["Pack", x + n * 4 + x, 0],
    ["QuantizeInt8", 2 * x + n * 8 + n * 4, 3 * n * 8],
    ["DequantizeInt8", n * 8 + n * 4 + x, n * 8],
    ["Dispatch", x + n * 2 * 4 + 2 * x + 5 * 4 + n * 2 * 4, 0],
    ["Combine", 2 * x + n * 2 * 4 + n * 2 * 4 + x, 2 * 2 * n * 8],
    ["QuantizeFp8", 2 * x + n * 8 + n * 3 * 4, 3 * n * 8],
    ["Hash", n * 8 + 32, 0],
  ]);
  expect(stateBytes("Pack", { inputs: [p * 8 * 4, n * 4], outputs: [x] })).toBe(works[0]![1]);
  expect(stateBytes("QuantizeFp8", { inputs: [x], outputs: [n * 8, n * 3 * 4] })).toBe(works[5]![1]);
});

test("operators that do not take what they are given are refused, by name", () => {
  const wrong = (operator: StateProgram["operators"][number]): unknown => {
    try {
      return stateProgramOf({ ...PROGRAM, operators: [operator], outputs: [] });
    } catch (thrown) {
      return (thrown as { readonly code?: string }).code;
    }
  };
  expect(wrong({ type: "Pack", inputs: ["pages"], outputs: ["x"] })).toBe("graph-invalid");
  expect(wrong({ type: "Pack", inputs: ["pages", "weights"], outputs: ["x"] })).toBe("graph-invalid");
  expect(wrong({ type: "QuantizeInt8", inputs: ["index"], outputs: ["c", "s"] })).toBe("graph-invalid");
  expect(wrong({ type: "QuantizeFp8", inputs: ["pages"], outputs: ["c", "s"], attributes: { block: -1 } })).toBe("graph-invalid");
  expect(wrong({ type: "Dispatch", inputs: ["pages", "chosen"], outputs: ["r", "c", "o"] })).toBe("graph-invalid");
  expect(wrong({ type: "Hash", inputs: ["pages"], outputs: ["h"], attributes: { algorithm: "md4" } })).toBe("graph-invalid");
  expect(wrong({ type: "Copy", inputs: ["nothing"], outputs: ["y"] })).toBe("graph-invalid");
  expect(wrong({ type: "Copy", inputs: ["pages"], outputs: ["index"] })).toBe("graph-invalid");
  expect(wrong({ type: "Copy", inputs: ["pages"], outputs: ["y", "z"] })).toBe("graph-invalid");
});

test("stages of a program are named by content and hold what they read and give", () => {
  const program = stateProgramOf(PROGRAM);
  const stage = program.stage([1, 2]);
  expect([stage.inputs, stage.outputs].map((ports) => ports.map(({ name }) => name))).toEqual([["x"], ["back"]]);
  expect(stateProgramOf(PROGRAM).stage([2, 1]).key).toBe(stage.key);
  expect(stateProgramOf({ ...PROGRAM, name: "other" }).stage([1, 2]).key).not.toBe(stage.key);
  expect(() => program.stage([0, 2])).toThrow(/convex/);
});
