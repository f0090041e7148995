// Goal: packed weights are exactly the file's. Method: quantised tensors of random bytes, unpacked again and held against the dequantiser.
import { expect, test } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { dequantiseAll } from "../decoder/dequantise.ts";
import { FORMAT_LAYOUTS } from "../decoder/formats.ts";
import type { WeightFormat, WeightTensor } from "../decoder/weights.ts";
import { stack } from "./matrix.ts";
import { INT4_BLOCK, packInt4 } from "./pack-int4.ts";
import { packEightBit } from "./pack-int8.ts";

const ROWS = 3;
const COLUMNS = 512;
/** Places of the half floats of a block; they get a small normal value. */
const HALVES: Partial<Record<WeightFormat, readonly number[]>> = { Q4_0: [0], Q4_1: [0, 2], Q4_K: [0, 2], Q8_0: [0], Q6_K: [208] };

function randomTensor(format: WeightFormat): WeightTensor {
  const prng = seededPrng(3);
  const { blockBytes, blockElements } = FORMAT_LAYOUTS[format];
  const data = Uint8Array.from({ length: ((ROWS * COLUMNS) / blockElements) * blockBytes }, () => Math.floor(prng.nextFloat() * 256));
  for (let at = 0; at < data.length; at += blockBytes) for (const place of HALVES[format] ?? []) data[at + place + 1] = 0x20;
  return { name: "w", format, shape: [ROWS, COLUMNS], data };
}

test.each<WeightFormat>(["Q4_0", "Q4_1", "Q4_K"])("4-bit weights are kept: %s", (format) => {
  const tensor = randomTensor(format);
  const { quants, scales, offsets } = packInt4(stack("w", [{ tensor, scale: 2 }]));
  const unpacked = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const block = Math.floor(i / INT4_BLOCK);
    const q = (quants[i >> 1]! >> ((i & 1) * 4)) & 15;
    return (q - 8) * scales[block]! + (offsets?.[block] ?? 0);
  });
  expectClose(
    unpacked,
    dequantiseAll(tensor).map((value) => 2 * value),
  );
});

test.each<WeightFormat>(["Q8_0", "Q6_K"])("8-bit weights are kept: %s", (format) => {
  const tensor = randomTensor(format);
  const { quants, scales, block } = packEightBit(tensor, 0.5);
  const unpacked = Float32Array.from(quants, (q, i) => (q - 128) * scales[Math.floor(i / block)]!);
  expectClose(
    unpacked,
    dequantiseAll(tensor).map((value) => value / 2),
  );
});

/** Equal but for the last bits of f32 sums. */
function expectClose(found: Float32Array, expected: Float32Array): void {
  expect(found.length).toBe(expected.length);
  const most = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const worst = found.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i]!)), 0);
  expect(most).toBeGreaterThan(0);
  expect(worst / most).toBeLessThan(1e-6);
}
