/**
 * Goal: operations of ONNX operators follow the published definitions. Method: one operator at a time, figures worked out by hand beside it; and
 * einsum held against a count of multiply-adds at random sizes.
 */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { graphOfOne, type OneOperator } from "../../../test/support/one-operator.ts";
import { type Bindings, evaluate } from "../../graph/ir/expression.ts";
import { RULES } from "../../graph/shapes/rule-table.ts";
import { flopRuleOf, flopsOf } from "./rule-table.ts";

function flops(one: OneOperator, sizes: Bindings = {}): number | undefined {
  const graph = graphOfOne(one);
  const found = flopsOf(graph, graph.operators[0]!);
  return found && evaluate(found, sizes);
}

const f = (...sizes: (number | string)[]) => ["f32", sizes] as const;
const i = (...sizes: (number | string)[]) => ["u8", sizes] as const;
const MICROSOFT = "com.microsoft";

const CASES: readonly (readonly [string, OneOperator, number])[] = [
  ["MatMul with a batch", { type: "MatMul", inputs: [f(2, 3, 5, 7), f(7, 11)], outputs: [f(2, 3, 5, 11)] }, 2 * 2 * 3 * 5 * 7 * 11],
  ["MatMul of vectors", { type: "MatMul", inputs: [f(7), f(7)], outputs: [f()] }, 2 * 7],
  ["MatMulInteger", { type: "MatMulInteger", inputs: [i(4, 6), i(6, 9)], outputs: [["i32", [4, 9]]] }, 2 * 4 * 6 * 9],
  ["QLinearMatMul", { type: "QLinearMatMul", inputs: [i(4, 6), f(), i(), i(6, 9), f(), i(), f(), i()], outputs: [i(4, 9)] }, 2 * 4 * 6 * 9],
  ["Gemm", { type: "Gemm", inputs: [f(4, 6), f(6, 9), f(9)], outputs: [f(4, 9)] }, 2 * 4 * 6 * 9],
  ["Gemm turned", { type: "Gemm", inputs: [f(6, 4), f(9, 6)], outputs: [f(4, 9)], attributes: { transA: 1, transB: 1 } }, 2 * 4 * 6 * 9],
  [
    "FusedMatMul turned",
    { type: "FusedMatMul", domain: MICROSOFT, inputs: [f(3, 6, 4), f(3, 6, 9)], outputs: [f(3, 4, 9)], attributes: { transA: 1 } },
    2 * 3 * 4 * 6 * 9,
  ],
  [
    "FusedMatMul with the batch inside",
    // [4, 3, 6] has rows 4 inside: turned batch first it is [3, 4, 6].
    { type: "FusedMatMul", domain: MICROSOFT, inputs: [f(4, 3, 6), f(3, 6, 9)], outputs: [f(3, 4, 9)], attributes: { transBatchA: 1 } },
    2 * 3 * 4 * 6 * 9,
  ],
  [
    "MatMulNBits",
    {
      type: "MatMulNBits",
      domain: MICROSOFT,
      inputs: [f(5, 64), i(32, 2, 16), f(64)],
      outputs: [f(5, 32)],
      attributes: { K: 64, N: 32, bits: 4, block_size: 32 },
    },
    2 * 5 * 64 * 32,
  ],
  [
    "QMoE: two of eight experts, two matrices of 4-bit numbers",
    {
      type: "QMoE",
      domain: MICROSOFT,
      inputs: [f(10, 64), f(10, 8), i(8, 96, 32), f(8, 96), undefined, i(8, 64, 48), f(8, 64)],
      outputs: [f(10, 64)],
      attributes: { k: 2, expert_weight_bits: 4 },
    },
    2 * 10 * 2 * (96 * 64 + 64 * 96),
  ],
  [
    "MoE with a gate",
    {
      type: "MoE",
      domain: MICROSOFT,
      inputs: [f(2, 5, 64), f(10, 4), f(4, 64, 96), undefined, f(4, 96, 64), undefined, f(4, 64, 96)],
      outputs: [f(2, 5, 64)],
      attributes: { k: 1 },
    },
    2 * 10 * 3 * 64 * 96,
  ],
  ["Conv", { type: "Conv", inputs: [f(2, 3, 8, 8), f(16, 3, 3, 3)], outputs: [f(2, 16, 6, 6)] }, 2 * (2 * 16 * 36) * 27],
  [
    "Conv in groups, dilated: the result's places count, not the reach",
    { type: "Conv", inputs: [f(1, 8, 9, 9), f(8, 1, 3, 3)], outputs: [f(1, 8, 5, 5)], attributes: { group: 8, dilations: [2, 2] } },
    2 * (8 * 25) * 9,
  ],
  ["ConvInteger", { type: "ConvInteger", inputs: [i(1, 3, 8), i(4, 3, 2)], outputs: [["i32", [1, 4, 7]]] }, 2 * 28 * 6],
  [
    "QLinearConv",
    { type: "QLinearConv", inputs: [i(1, 3, 8), f(), i(), i(4, 3, 2), f(), i(), f(), i()], outputs: [i(1, 4, 7)] },
    2 * 28 * 6,
  ],
  [
    "ConvTranspose: each input spreads over a filter",
    {
      type: "ConvTranspose",
      inputs: [f(1, 6, 5, 5), f(6, 4, 2, 2)],
      outputs: [f(1, 8, 10, 10)],
      attributes: { group: 2, strides: [2, 2] },
    },
    2 * (6 * 25) * (4 * 4),
  ],
  ["DeformConv", { type: "DeformConv", inputs: [f(1, 3, 8, 8), f(4, 3, 3, 3), f(1, 18, 6, 6)], outputs: [f(1, 4, 6, 6)] }, 2 * 144 * 27],
  [
    "LSTM in both directions",
    { type: "LSTM", inputs: [f(7, 2, 10), f(2, 16, 10), f(2, 16, 4)], outputs: [f(7, 2, 2, 4)], attributes: { hidden_size: 4 } },
    2 * 7 * 2 * (2 * 16 * (10 + 4)),
  ],
  ["GRU", { type: "GRU", inputs: [f(7, 2, 10), f(1, 12, 10), f(1, 12, 4)], outputs: [f(7, 1, 2, 4)] }, 2 * 7 * 2 * 12 * 14],
  ["RNN", { type: "RNN", inputs: [f(7, 2, 10), f(1, 4, 10), f(1, 4, 4)], outputs: [f(7, 1, 2, 4)] }, 2 * 7 * 2 * 4 * 14],
  ["DFT of 16 complex numbers", { type: "DFT", inputs: [f(3, 16, 2)], outputs: [f(3, 16, 2)], attributes: { axis: 1 } }, 3 * 5 * 16 * 4],
  ["STFT of real sound", { type: "STFT", inputs: [f(2, 100), f(), f(16)], outputs: [f(2, 11, 9, 2)] }, 2 * 11 * 2.5 * 16 * 4],
  [
    "MultiHeadAttention over past and new",
    {
      type: "MultiHeadAttention",
      domain: MICROSOFT,
      inputs: [f(2, 3, 32), f(2, 3, 32), f(2, 3, 32), undefined, undefined, undefined, f(2, 4, 5, 8), f(2, 4, 5, 8)],
      outputs: [f(2, 3, 32)],
      attributes: { num_heads: 4 },
    },
    2 * 2 * (3 * 8) * (32 + 32),
  ],
  [
    "GroupQueryAttention: 3 new tokens after 5, each sees itself and those before",
    {
      type: "GroupQueryAttention",
      domain: MICROSOFT,
      inputs: [f(2, 3, 32), f(2, 3, 16), f(2, 3, 16), f(2, 2, "past", 8), f(2, 2, "past", 8)],
      outputs: [f(2, 3, 32)],
      attributes: { num_heads: 4, kv_num_heads: 2 },
    },
    2 * 2 * (6 + 7 + 8) * (32 + 32),
  ],
  [
    "GroupQueryAttention packed, with a window of 4",
    {
      type: "GroupQueryAttention",
      domain: MICROSOFT,
      inputs: [f(1, 3, 64), undefined, undefined, f(1, 2, "past", 8), f(1, 2, "past", 8)],
      outputs: [f(1, 3, 32)],
      attributes: { num_heads: 4, kv_num_heads: 2, local_window_size: 4 },
    },
    2 * (4 + 4 + 4) * (32 + 32),
  ],
  [
    "Attention that projects, causal",
    {
      type: "Attention",
      domain: MICROSOFT,
      inputs: [f(2, 3, 16), f(16, 48), f(48)],
      outputs: [f(2, 3, 16)],
      attributes: { num_heads: 2, unidirectional: 1 },
    },
    2 * 2 * 3 * 16 * 48 + 2 * 2 * (1 + 2 + 3) * 32,
  ],
  [
    "DecoderMaskedMultiHeadAttention",
    {
      type: "DecoderMaskedMultiHeadAttention",
      domain: MICROSOFT,
      inputs: [f(2, 1, 16), f(2, 1, 16), f(2, 1, 16), undefined, undefined, f(2, 2, 7, 8), f(2, 2, 7, 8)],
      outputs: [f(2, 1, 16)],
      attributes: { num_heads: 2 },
    },
    2 * 2 * 8 * 32,
  ],
  [
    "Attention of the standard, heads apart, values wider",
    { type: "Attention", inputs: [f(2, 4, 3, 8), f(2, 4, 6, 8), f(2, 4, 6, 10)], outputs: [f(2, 4, 3, 10)] },
    2 * 2 * 18 * (4 * 8 + 4 * 10),
  ],
  [
    "Attention of the standard, causal, with a past",
    {
      type: "Attention",
      inputs: [f(1, 3, 32), f(1, 3, 16), f(1, 3, 16), undefined, f(1, 2, "past", 8), f(1, 2, "past", 8)],
      outputs: [f(1, 3, 32)],
      attributes: { is_causal: 1, q_num_heads: 4, kv_num_heads: 2 },
    },
    2 * (6 + 7 + 8) * 64,
  ],
  [
    "Einsum with three operands: pairs from the left",
    { type: "Einsum", inputs: [f(2, 3), f(3, 5), f(5, 7)], outputs: [f(2, 7)], attributes: { equation: "ab,bc,cd->ad" } },
    2 * (2 * 3 * 5) + 2 * (2 * 5 * 7),
  ],
  [
    "Einsum with an ellipsis",
    { type: "Einsum", inputs: [f(2, 3, 4), f(4, 5)], outputs: [f(2, 3, 5)], attributes: { equation: "...i,ij->...j" } },
    2 * 2 * 3 * 4 * 5,
  ],
  ["Einsum that turns", { type: "Einsum", inputs: [f(2, 3)], outputs: [f(3, 2)], attributes: { equation: "ab->ba" } }, 0],
  ["Einsum of an outer product", { type: "Einsum", inputs: [f(2), f(3)], outputs: [f(2, 3)], attributes: { equation: "a,b" } }, 0],
  ["an elementwise operator", { type: "Add", inputs: [f(4), f(4)], outputs: [f(4)] }, 0],
];

test.each(CASES)("%s", (_, one, expected) => {
  expect(flops(one, { past: 5 })).toBe(expected);
});

describe("what is not known", () => {
  it("has no rule", () => {
    expect(flops({ type: "Det", inputs: [f(3, 3)], outputs: [f()] })).toBeUndefined();
    expect(flopRuleOf({ domain: "onnx", type: "toString" })).toBeUndefined();
    expect(flopRuleOf({ domain: "__proto__", type: "MatMul" })).toBeUndefined();
  });

  it("has no size", () => {
    expect(flops({ type: "DFT", inputs: [f(3, "n", 2)], outputs: [f(3, "n", 2)], attributes: { axis: 1 } })).toBeUndefined();
    const graph = graphOfOne({ type: "MatMul", inputs: [f(2, 3), f(3, 4)], outputs: [f(2, 4)] });
    const open = { ...graph, tensors: graph.tensors.map((tensor) => ({ ...tensor, shape: undefined })) };
    expect(flopsOf(open, open.operators[0]!)).toBeUndefined();
  });
});

test("every operator with a shape rule has a rule for its operations, or is known to have none", () => {
  const without = Object.entries(RULES).flatMap(([domain, rules]) =>
    Object.keys(rules).flatMap((type) => (flopRuleOf({ domain, type }) === undefined ? [`${domain} ${type}`] : [])),
  );
  expect(without.sort()).toEqual(["com.microsoft Inverse", "onnx If", "onnx Loop", "onnx Scan"]);
});

test("a pair of operands costs a multiply-add for every combination of labels that meet, where one ends", () => {
  const labels = ["a", "b", "c", "d"];
  fc.assert(
    fc.property(
      fc.subarray(labels, { minLength: 1 }),
      fc.subarray(labels, { minLength: 1 }),
      fc.subarray(labels),
      fc.tuple(...labels.map(() => fc.integer({ min: 2, max: 6 }))),
      (left, right, kept, sizes) => {
        const sizeOf = (label: string): number => sizes[labels.indexOf(label)]!;
        const out = kept.filter((label) => left.includes(label) || right.includes(label));
        // Labels of one operand that the result leaves out are summed before the product.
        const alive = labels.filter(
          (label) => (left.includes(label) && right.includes(label)) || (out.includes(label) && [...left, ...right].includes(label)),
        );
        const ends = alive.some((label) => !out.includes(label));
        const expected = ends ? 2 * alive.reduce((product, label) => product * sizeOf(label), 1) : 0;
        const equation = `${left.join("")},${right.join("")}->${out.join("")}`;
        const inputs = [left, right].map((each) => f(...each.map(sizeOf)));
        expect(flops({ type: "Einsum", inputs, outputs: [f(...out.map(sizeOf))], attributes: { equation } })).toBe(expected);
      },
    ),
    { numRuns: 400, seed: 3 },
  );
});
