import { attentionCases } from "./attention-cases.ts";
import { drawn, floats, ints } from "./case-tensors.ts";
import { fixed, given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

const MICROSOFT = "com.microsoft";
const REDUCTIONS = "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL2".split(" ");

/** Norms, softmax, reductions and attention: operators in which the elements of a row meet. */
export function normalisationCases(): readonly OperatorCase[] {
  const rows = (width: number): ReturnType<typeof given> => given(drawn("x", [5, width]));
  const weights = (width: number): ReturnType<typeof stored> => stored(drawn("weights", [width], { draw: "positive" }));
  return [
    ...[1, 7, 65].flatMap((width) => [
      makeCase("Softmax", [rows(width)], { attributes: { axis: -1 }, sumLength: width }),
      makeCase("LogSoftmax", [rows(width)], { attributes: { axis: -1 }, sumLength: width }),
      makeCase("LayerNormalization", [rows(width), weights(width), stored(drawn("bias", [width]))], {
        attributes: { axis: -1 },
        sumLength: width,
      }),
    ]),
    makeCase("Softmax", [given(drawn("x", [3, 5, 7]))], { attributes: { axis: 1 }, sumLength: 5, note: "along the middle" }),
    makeCase("SimplifiedLayerNormalization", [rows(33), weights(33)], {
      attributes: { axis: -1, epsilon: { float: 1e-5 } },
      sumLength: 33,
    }),
    makeCase("SkipSimplifiedLayerNormalization", [given(drawn("x", [1, 5, 33])), given(drawn("skip", [1, 5, 33])), weights(33)], {
      domain: MICROSOFT,
      attributes: { epsilon: { float: 1e-5 } },
      sumLength: 33,
    }),
    makeCase("InstanceNormalization", [given(drawn("x", [2, 3, 7, 5])), weights(3), stored(drawn("bias", [3]))], { sumLength: 35 }),
    ...REDUCTIONS.flatMap((operator) => [
      makeCase(operator, [rows(7), stored(ints([1]))], { attributes: { keepdims: 1 }, sumLength: 7 }),
      makeCase(operator, [given(drawn("x", [3, 5, 7])), stored(ints([-2]))], { attributes: { keepdims: 0 }, sumLength: 5 }),
    ]),
    makeCase("ArgMax", [rows(7)], { attributes: { axis: 1 } }),
    makeCase("TopK", [rows(9), stored(ints([3]))], { attributes: { axis: -1 }, outputs: 2 }),
    makeCase("CumSum", [rows(9), stored(ints([1], []))], { sumLength: 9 }),
    makeCase("QuantizeLinear", [rows(9), stored(floats([], [0.03])), stored({ type: "u8", dims: [], data: Uint8Array.of(128) })]),
    makeCase("DequantizeLinear", [given(drawn("x", [5, 9], { type: "i8", below: 100 })), stored(floats([], [0.03]))]),
    makeCase("DynamicQuantizeLinear", [rows(9)], { outputs: 3 }),
    makeCase(
      "RotaryEmbedding",
      [given(drawn("x", [1, 3, 16])), fixed(ints([0, 1, 2], [1, 3])), stored(drawn("cos", [8, 4])), stored(drawn("sin", [8, 4]))],
      {
        domain: MICROSOFT,
        attributes: { num_heads: 2 },
      },
    ),
    makeCase("MultiHeadAttention", [given(drawn("q", [2, 5, 16])), given(drawn("k", [2, 5, 16])), given(drawn("v", [2, 5, 16]))], {
      domain: MICROSOFT,
      attributes: { num_heads: 2 },
      sumLength: 40,
    }),
    ...attentionCases(),
  ];
}
