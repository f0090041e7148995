import { drawn, floats, ints } from "./case-tensors.ts";
import { fixed, given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

const MICROSOFT = "com.microsoft";
/** Tells values that are none, infinite and zero of either sign. */
const SPECIAL = floats([2, 4], [Number.NaN, 1, -1, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2, -0]);

/** Operators that pick, place, count and resize, and those that runtimes fuse. */
export function selectionCases(): readonly OperatorCase[] {
  const x = given(drawn("x", [3, 4, 5], { draw: "eighths" }));
  const image = given(drawn("image", [2, 3, 5, 7]));
  return [
    makeCase("IsNaN", [given(SPECIAL)]),
    makeCase("IsInf", [given(SPECIAL)]),
    makeCase("NonZero", [given(drawn("x", [3, 7], { type: "i64", below: 2 }))]),
    makeCase("Range", [fixed(ints([2], [])), fixed(ints([11], [])), stored(ints([2], []))]),
    makeCase("ConstantOfShape", [fixed(ints([2, 3]))]),
    makeCase("EyeLike", [given(drawn("x", [3, 5]))], { attributes: { k: 1 } }),
    makeCase("Trilu", [given(drawn("x", [3, 5]))], { attributes: { upper: 0 } }),
    makeCase("GatherND", [x, fixed(ints([0, 1, 2, 3], [2, 2]))]),
    makeCase("ScatterND", [x, fixed(ints([2, 0], [2, 1])), fixed(drawn("rows", [2, 4, 5], { draw: "eighths" }))]),
    makeCase("ScatterElements", [x, fixed(ints([1, 0, 3], [1, 1, 3])), fixed(drawn("some", [1, 1, 3], { draw: "eighths" }))], {
      attributes: { axis: 1 },
    }),
    makeCase("OneHot", [given(drawn("ids", [3, 2], { type: "i64", below: 6 })), stored(ints([6], [])), stored(floats([2], [-1, 1]))]),
    makeCase("Compress", [x, stored({ type: "bool", dims: [4], data: Uint8Array.of(1, 0, 0, 1) })], { attributes: { axis: 1 } }),
    makeCase("Sum", [given(drawn("a", [3, 7])), given(drawn("b", [3, 7])), given(drawn("c", [3, 7]))]),
    makeCase("PRelu", [given(drawn("x", [3, 7])), stored(drawn("slope", [7]))]),
    ...["Selu", "Celu", "Mish", "Atan", "Tan"].map((operator) =>
      makeCase(operator, [given(drawn(operator, [3, 7], { draw: "positive" }))]),
    ),
    ...["ReduceSum", "ReduceMax", "ReduceMean"].map((operator) =>
      makeCase(operator, [given(drawn("x", [3, 7]))], { attributes: { keepdims: 0 }, sumLength: 21, note: "to one value" }),
    ),
    ...["ReduceL1", "ReduceSumSquare", "ReduceLogSumExp"].map((operator) =>
      makeCase(operator, [given(drawn("x", [5, 7])), stored(ints([1]))], { sumLength: 7 }),
    ),
    makeCase("GlobalMaxPool", [image]),
    makeCase("Resize", [image, undefined, stored(floats([4], [1, 1, 2, 2]))], {
      attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      note: "nearest, twice",
    }),
    ...["half_pixel", "pytorch_half_pixel", "align_corners"].map((coordinates) =>
      makeCase("Resize", [image, undefined, undefined, stored(ints([2, 3, 9, 4]))], {
        attributes: { mode: "linear", coordinate_transformation_mode: coordinates },
        note: `linear, ${coordinates}`,
      }),
    ),
    makeCase(
      "GroupNormalization",
      [given(drawn("image", [2, 6, 5, 7])), stored(drawn("scale", [2], { draw: "positive" })), stored(drawn("bias", [2]))],
      {
        attributes: { num_groups: 2 },
        sumLength: 105,
      },
    ),
    ...fused(),
  ];
}

function fused(): readonly OperatorCase[] {
  const x = given(drawn("x", [5, 33]));
  const row = (name: string) => stored(drawn(name, [33]));
  const rows = (name: string) => given(drawn(name, [2, 5, 33]));
  return [
    makeCase("Gelu", [x], { domain: MICROSOFT }),
    makeCase("BiasGelu", [x, row("bias")], { domain: MICROSOFT }),
    makeCase("FusedMatMul", [x, stored(drawn("w", [7, 33]))], {
      domain: MICROSOFT,
      attributes: { transB: 1, alpha: { float: 0.25 } },
      sumLength: 33,
    }),
    makeCase("FusedConv", [given(drawn("image", [2, 3, 5, 7])), stored(drawn("kernel", [4, 3, 3, 3])), stored(drawn("bias", [4]))], {
      domain: MICROSOFT,
      attributes: { activation: "Relu" },
      sumLength: 27,
    }),
    makeCase("SkipLayerNormalization", [rows("x"), rows("skip"), row("gamma"), row("beta"), row("bias")], {
      domain: MICROSOFT,
      sumLength: 33,
    }),
  ];
}
