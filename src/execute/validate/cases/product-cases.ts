import { drawn, floats } from "./case-tensors.ts";
import { fixed, given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

const MICROSOFT = "com.microsoft";
/** Rows, sums and columns of products: single ones, odd ones, one beyond a power of two. */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [1, 64, 65],
  [3, 7, 5],
  [7, 129, 33],
  [33, 64, 17],
];
const BLOCK = 32;

/** Products, convolutions and recurrences. */
export function productCases(): readonly OperatorCase[] {
  return [
    ...PRODUCTS.flatMap(([rows, sums, columns]) => {
      const options = { sumLength: sums };
      const x = given(drawn("x", [rows, sums]));
      return [
        makeCase("MatMul", [x, stored(drawn("w", [sums, columns]))], { ...options, note: "stored weights" }),
        makeCase("MatMul", [x, fixed(drawn("w", [sums, columns]))], options),
        makeCase("Gemm", [x, stored(drawn("w", [columns, sums])), stored(drawn("b", [columns]))], {
          ...options,
          attributes: { transB: 1 },
        }),
      ];
    }),
    makeCase("MatMul", [given(drawn("x", [3, 5, 7])), given(drawn("y", [3, 7, 4]))], { sumLength: 7, note: "stacked" }),
    makeCase("MatMul", [given(drawn("x", [2, 3, 5, 7])), stored(drawn("w", [7, 9]))], { sumLength: 7, note: "stacked, one weight" }),
    makeCase("Einsum", [given(drawn("x", [3, 5, 7])), stored(drawn("w", [7, 4]))], {
      sumLength: 7,
      attributes: { equation: "bij,jk->bik" },
    }),
    makeCase(
      "MatMulInteger",
      [given(drawn("x", [3, 7], { type: "u8", below: 255 })), stored(drawn("w", [7, 5], { type: "i8", below: 100 }))],
      { sumLength: 7 },
    ),
    ...[4, 8].map((bits) =>
      makeCase(
        "MatMulNBits",
        [
          given(drawn("x", [3, BLOCK * 2])),
          stored(drawn("w", [5, 2, (BLOCK * bits) / 8], { type: "u8", below: 255 })),
          stored(drawn("s", [10], { draw: "positive" })),
        ],
        { domain: MICROSOFT, sumLength: BLOCK * 2, attributes: { K: BLOCK * 2, N: 5, bits, block_size: BLOCK }, note: `${bits} bits` },
      ),
    ),
    ...convolutions(),
    makeCase("LSTM", [given(drawn("x", [5, 3, 8]), "steps"), stored(drawn("w", [1, 16, 8])), stored(drawn("r", [1, 16, 4]))], {
      attributes: { hidden_size: 4 },
      outputs: 3,
      sumLength: 60,
    }),
    makeCase("GRU", [given(drawn("x", [5, 3, 8]), "steps"), stored(drawn("w", [1, 12, 8])), stored(drawn("r", [1, 12, 4]))], {
      attributes: { hidden_size: 4 },
      outputs: 2,
      sumLength: 60,
    }),
  ];
}

function convolutions(): readonly OperatorCase[] {
  const image = (channels: number): ReturnType<typeof given> => given(drawn("image", [2, channels, 9, 11]));
  const kernel = (dims: readonly number[]): ReturnType<typeof stored> => stored(drawn("kernel", dims));
  return [
    makeCase("Conv", [image(3), kernel([4, 3, 1, 1])], { sumLength: 3 }),
    makeCase("Conv", [image(3), kernel([5, 3, 3, 3]), stored(drawn("bias", [5]))], { sumLength: 27, attributes: { pads: [1, 1, 1, 1] } }),
    makeCase("Conv", [image(3), kernel([4, 3, 3, 3])], { sumLength: 27, attributes: { strides: [2, 2] }, note: "strides 2" }),
    makeCase("Conv", [image(4), kernel([4, 1, 3, 3])], { sumLength: 9, attributes: { group: 4 }, note: "a channel each" }),
    makeCase("Conv", [image(3), kernel([2, 3, 3, 3])], { sumLength: 27, attributes: { dilations: [2, 2] }, note: "dilated" }),
    makeCase("Conv", [given(drawn("line", [3, 4, 19])), kernel([5, 4, 5])], { sumLength: 20, attributes: { pads: [2, 2] } }),
    ...[6, 10, 12, 33].flatMap((channels) => [
      makeCase("Conv", [image(channels), kernel([8, channels, 3, 3])], { sumLength: channels * 9 }),
      makeCase("Conv", [image(channels), kernel([8, channels, 1, 1])], { sumLength: channels }),
    ]),
    ...[8, 10, 12, 14].map((results) =>
      makeCase("Conv", [image(6), kernel([results, 3, 3, 3])], { sumLength: 27, attributes: { group: 2 }, note: "two groups" }),
    ),
    makeCase("Conv", [given(drawn("line", [3, 9, 19])), kernel([8, 9, 3])], { sumLength: 27, note: "in threes" }),
    makeCase("ConvTranspose", [image(5), kernel([5, 4, 3, 3])], { sumLength: 45 }),
    makeCase("ConvTranspose", [image(3), kernel([3, 4, 2, 2])], { sumLength: 12, attributes: { strides: [2, 2] } }),
    makeCase("MaxPool", [image(3)], { attributes: { kernel_shape: [3, 3], strides: [2, 2] } }),
    makeCase("AveragePool", [image(3)], { attributes: { kernel_shape: [2, 2] }, sumLength: 4 }),
    makeCase("GlobalAveragePool", [image(3)], { sumLength: 99 }),
    makeCase("BatchNormalization", [
      image(3),
      stored(drawn("scale", [3])),
      stored(drawn("bias", [3])),
      stored(drawn("mean", [3])),
      stored(floats([3], [0.5, 1, 2])),
    ]),
  ];
}
