/** Goal: every format reads back what was written, within its step. Method: seeded values through the test writer; hand-made blocks for the bit layouts. */
import { expect, test } from "vitest";
import { floatToHalf, quantise } from "../../../test/support/quantise.ts";
import { seededPrng } from "../../base/prng.ts";
import { dequantise, dequantiseAll } from "./dequantise.ts";
import { rowBytes } from "./formats.ts";
import { halfTable } from "./half.ts";
import type { WeightFormat, WeightTensor } from "./weights.ts";

/** Largest error of a value in [-1, 1], in parts of the block's range of 2: half a step, plus the rounding of scales. */
const TOLERANCE: Readonly<Record<WeightFormat, number>> = {
  F32: 0,
  F16: 0.0003,
  BF16: 0.003,
  Q4_0: 0.13,
  Q4_1: 0.07,
  Q8_0: 0.005,
  Q4_K: 0.12,
  Q6_K: 0.025,
};

function tensorOf(format: WeightFormat, shape: readonly number[], seed: number): { tensor: WeightTensor; values: Float32Array } {
  const prng = seededPrng(seed);
  const values = new Float32Array(shape.reduce((product, n) => product * n, 1)).map(() => 2 * prng.nextFloat() - 1);
  return { tensor: { name: "t", format, shape, data: quantise(values, format) }, values };
}

for (const format of Object.keys(TOLERANCE) as WeightFormat[]) {
  test(`${format} reads back what was written`, () => {
    const { tensor, values } = tensorOf(format, [3, 512], 5);
    const out = dequantiseAll(tensor);
    const worst = Math.max(...out.map((value, i) => Math.abs(value - values[i]!)));
    expect(worst).toBeLessThanOrEqual(TOLERANCE[format]);
    expect([...dequantise(tensor, 1, 2)]).toEqual([...out.subarray(512, 1024)]);
    expect(tensor.data.byteLength).toBe(3 * rowBytes(format, 512)!);
  });
}

test("half precision: every finite pattern goes there and back", () => {
  const table = halfTable();
  for (let half = 0; half < 65536; half++) {
    const value = table[half]!;
    if (Number.isFinite(value)) expect(floatToHalf(value)).toBe(half);
  }
  expect([table[0x3c00], table[0x7c00], table[1], table[0x8001]]).toEqual([1, Infinity, 2 ** -24, -(2 ** -24)]);
});

test("rows outside the tensor are a programming error", () => {
  const { tensor } = tensorOf("Q8_0", [2, 32], 1);
  expect(() => dequantise(tensor, 1, 3)).toThrow("rows lie inside");
});
