import type { TensorType } from "../../device/tensor.ts";
import { drawn, floats, ints } from "./case-tensors.ts";
import { fixed, given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

const ANY = "Abs Neg Exp Tanh Sigmoid Erf Sin Cos Relu LeakyRelu Elu Softplus Softsign HardSigmoid HardSwish Gelu Identity".split(" ");
const POSITIVE = "Sqrt Log Reciprocal".split(" ");
/** A rounded input gives another result where they jump: their inputs are values that narrow formats hold. */
const JUMPING = "Floor Ceil Round Sign".split(" ");
const BINARY = "Add Sub Mul Min Max".split(" ");
const COMPARING = "Equal Less LessOrEqual Greater GreaterOrEqual".split(" ");
const WHOLE_TYPES: readonly TensorType[] = ["i64", "i32"];
const ODD = [3, 7];

/** Operators that treat each element alone, at odd sizes, with broadcasting, in several types. */
export function elementwiseCases(): readonly OperatorCase[] {
  return [
    ...ANY.flatMap((operator) => [ODD, [1, 1], [2, 3, 17]].map((dims) => makeCase(operator, [given(drawn(operator, dims))]))),
    ...POSITIVE.map((operator) => makeCase(operator, [given(drawn(operator, ODD, { draw: "positive" }))])),
    ...JUMPING.map((operator) => makeCase(operator, [given(drawn(operator, ODD, { draw: "eighths" }))])),
    ...BINARY.flatMap((operator) => [
      makeCase(operator, [given(drawn("left", ODD)), given(drawn("right", ODD))]),
      makeCase(operator, [given(drawn("left", ODD)), fixed(drawn("row", [7]))], { note: "a row for all" }),
      makeCase(operator, [given(drawn("left", [3, 5, 7])), stored(drawn("column", [5, 1]))], { note: "a column for all" }),
      ...WHOLE_TYPES.map((type) => makeCase(operator, [given(drawn("left", ODD, { type })), given(drawn("right", ODD, { type }))])),
    ]),
    makeCase("Div", [given(drawn("left", ODD)), given(drawn("right", ODD, { draw: "positive" }))]),
    makeCase("Pow", [given(drawn("left", ODD, { draw: "positive" })), stored(floats([], [1.5]))]),
    makeCase("Mod", [given(drawn("left", ODD, { type: "i64", below: 50 })), stored(ints([7], []))]),
    ...COMPARING.map((operator) => {
      const eighths = { draw: "eighths" } as const;
      return makeCase(operator, [given(drawn("left", ODD, eighths)), given(drawn("right", ODD, eighths))]);
    }),
    ...["And", "Or", "Xor"].map((operator) =>
      makeCase(operator, [given(drawn("left", ODD, { type: "bool" })), given(drawn("right", ODD, { type: "bool" }))]),
    ),
    makeCase("Not", [given(drawn("left", ODD, { type: "bool" }))]),
    makeCase("Where", [given(drawn("which", ODD, { type: "bool" })), given(drawn("left", ODD)), given(drawn("right", ODD))]),
    makeCase("Clip", [given(drawn("left", ODD)), stored(floats([], [-0.5])), stored(floats([], [0.75]))]),
    makeCase("Cast", [given(drawn("left", ODD, { draw: "eighths" }))], { attributes: { to: 7 }, note: "to i64" }),
    makeCase("Cast", [given(drawn("left", ODD, { type: "i64" }))], { attributes: { to: 1 }, note: "to f32" }),
    makeCase("Cast", [given(drawn("left", ODD, { type: "f16" }))], { attributes: { to: 1 }, note: "to f32" }),
    makeCase("Cast", [given(drawn("left", ODD))], { attributes: { to: 10 }, note: "to f16" }),
    makeCase("Add", [given(drawn("left", ODD, { type: "f16" })), given(drawn("right", ODD, { type: "f16" }))]),
    makeCase("QuickGelu", [given(drawn("left", ODD))], { domain: "com.microsoft", attributes: { alpha: { float: 1 } } }),
    makeCase("FastGelu", [given(drawn("left", ODD))], { domain: "com.microsoft" }),
  ];
}
