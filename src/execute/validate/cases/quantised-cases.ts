import type { HostTensor, TensorType } from "../../device/tensor.ts";
import { drawn, floats } from "./case-tensors.ts";
import { given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

const MICROSOFT = "com.microsoft";
const SUMS = 24;

/** Numbers of 8 bits with their scales and zero points, by tensor and by column. */
export function quantisedCases(): readonly OperatorCase[] {
  const bytes = given(drawn("bytes", [3, SUMS], { type: "u8", below: 255 }));
  const x = given(drawn("x", [3, SUMS]));
  const product = { sumLength: SUMS };
  return [
    makeCase("MatMulInteger", [bytes, weights("i8"), point("u8", 120), point("i8", 3)], { ...product, note: "zero points" }),
    makeCase("MatMulIntegerToFloat", [bytes, weights("i8"), scale(0.03), perColumn(), point("u8", 120)], { ...product, domain: MICROSOFT }),
    makeCase("DynamicQuantizeMatMul", [x, weights("i8"), scale(0.02)], { ...product, domain: MICROSOFT }),
    makeCase("DynamicQuantizeMatMul", [x, weights("u8"), scale(0.02), point("u8", 50), stored(drawn("bias", [5]))], {
      ...product,
      domain: MICROSOFT,
    }),
    makeCase(
      "QLinearMatMul",
      [bytes, scale(0.03), point("u8", 120), weights("u8"), scale(0.02), point("u8", 50), scale(0.1), point("u8", 128)],
      product,
    ),
    makeCase(
      "QuantizeLinear",
      [given(drawn("x", [5, 9])), perColumn(9), stored({ type: "i8", dims: [9], data: new Int8Array(9).fill(-3) })],
      {
        attributes: { axis: 1 },
        note: "by column",
      },
    ),
    makeCase("DequantizeLinear", [bytes, perColumn(SUMS), stored({ type: "u8", dims: [SUMS], data: new Uint8Array(SUMS).fill(128) })], {
      attributes: { axis: 1 },
      note: "by column",
    }),
    makeCase(
      "ConvInteger",
      [image("u8"), stored(drawn("kernel", [4, 3, 3, 3], { type: "u8", below: 255 })), point("u8", 120), point("u8", 7)],
      {
        sumLength: 27,
      },
    ),
    makeCase(
      "DynamicQuantizeLSTM",
      [
        given(drawn("x", [5, 3, 8]), "steps"),
        stored(drawn("w", [1, 8, 16], { type: "i8", below: 100 })),
        stored(drawn("r", [1, 4, 16], { type: "i8", below: 100 })),
        ...Array.from({ length: 5 }, () => undefined),
        ...[0, 1].flatMap(() => [stored(floats([1], [0.01])), stored({ type: "i8", dims: [1], data: Int8Array.of(50) } as const)]),
      ],
      { domain: MICROSOFT, attributes: { hidden_size: 4 }, outputs: 3, sumLength: 60 },
    ),
  ];
}

function weights(type: TensorType) {
  return stored(drawn("w", [SUMS, 5], { type, below: 100 }));
}

function image(type: TensorType) {
  return given(drawn("image", [2, 3, 9, 11], { type, below: 255 }));
}

function scale(value: number) {
  return stored(floats([], [value]));
}

function perColumn(columns = 5) {
  return stored(
    floats(
      [columns],
      Array.from({ length: columns }, (_, column) => (column + 1) / 128),
    ),
  );
}

function point(type: "u8" | "i8", value: number) {
  const tensor: HostTensor = { type, dims: [], data: type === "u8" ? Uint8Array.of(value) : Int8Array.of(value) };
  return stored(tensor);
}
