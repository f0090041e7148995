import type { PeakType } from "../../../../rack/peak-type.ts";

const I8_MAX = 127;
/** Significant bits of a float, and of the two narrow formats; f16 has no exponent below -14. */
const F32_FRACTION = 23;
const BF16_FRACTION = 7;
const F16_FRACTION = 10;
const F16_EXPONENT_MIN = -14;
const F16_MAX = 65504;
/** From here on a value rounds to infinity: half way between the largest f16 and what would follow it. */
const F16_OVERFLOW = 65520;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * f32 values rounded to what a format can hold, and still f32. `bf16` and `f16` round to nearest, ties to even; `i8` has one scale for each row of
 * `rowLength`, so that its largest value is 127.
 */
export function roundedTo(format: PeakType, values: Float32Array, rowLength: number): Float32Array {
  if (format === "i8") return roundedRows(values, Math.max(1, rowLength));
  const round = format === "f16" ? toF16 : toBf16;
  return values.map(round);
}

export function toBf16(value: number): number {
  if (!Number.isFinite(value)) return value;
  return dropBits(value, F32_FRACTION - BF16_FRACTION);
}

export function toF16(value: number): number {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return value;
  if (size >= F16_OVERFLOW) return value > 0 ? Infinity : -Infinity;
  float[0] = value;
  const exponent = ((bits[0]! >>> F32_FRACTION) & 0xff) - 127;
  if (exponent >= F16_EXPONENT_MIN) return Math.max(-F16_MAX, Math.min(F16_MAX, dropBits(value, F32_FRACTION - F16_FRACTION)));
  return toEven(value * SUBNORMAL_STEPS) / SUBNORMAL_STEPS;
}

/** 1 / the smallest f16, 2^-24. */
const SUBNORMAL_STEPS = 16777216;

/** Rounds away the lowest bits of a float, ties to even. */
function dropBits(value: number, count: number): number {
  float[0] = value;
  const half = 1 << (count - 1);
  const odd = (bits[0]! >>> count) & 1;
  bits[0] = ((bits[0]! + half - 1 + odd) >>> count) << count;
  return float[0]!;
}

function toEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

function roundedRows(values: Float32Array, rowLength: number): Float32Array {
  const rounded = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += rowLength) {
    const row = values.subarray(start, start + rowLength);
    let largest = 0;
    for (const value of row) largest = Math.max(largest, Math.abs(value));
    const scale = largest / I8_MAX;
    for (const [i, value] of row.entries()) rounded[start + i] = scale === 0 ? 0 : toEven(value / scale) * scale;
  }
  return rounded;
}
