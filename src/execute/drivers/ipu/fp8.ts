/**
 * E4M3 without infinities: 1 sign, 4 exponent bits (bias 7), 3 of fraction; the code with all bits set is no number.
 * Source: Micikevicius et al., FP8 Formats for Deep Learning, arXiv 2209.05433, table 1.
 */
export const FP8_MAX = 448;
const NOT_A_NUMBER = 0x7f;
const MAX_CODE = 0x7e;
/** Between the largest number and what would follow it. */
const SATURATES_BITS = 0x43e8_0000;
/** 2^-6 as f32: smaller ones are multiples of 2^-9. */
const NORMAL_BITS = 0x3c80_0000;
/** Adding it to a small f32 rounds to a multiple of 2^-9, ties to even. */
const SUBNORMAL_ROUNDER = 16_384;
const SUBNORMAL_STEPS = 512;
/** Fraction bits of f32 that E4M3 does not have, and exponent bias of f32 over its own. */
const DROPPED_BITS = 20;
const BIAS_CODES = 120 << 3;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** To nearest, ties to even; beyond the largest number it is that number. */
export function fp8Code(value: number): number {
  float[0] = value;
  const all = bits[0]!;
  const sign = (all >>> 24) & 0x80;
  const size = all & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | NOT_A_NUMBER;
  if (size >= SATURATES_BITS) return sign | MAX_CODE;
  if (size < NORMAL_BITS) {
    float[0] = Math.abs(float[0]!) + SUBNORMAL_ROUNDER;
    return sign | ((float[0]! - SUBNORMAL_ROUNDER) * SUBNORMAL_STEPS);
  }
  const rounded = size + ((1 << (DROPPED_BITS - 1)) - 1) + ((size >>> DROPPED_BITS) & 1);
  return sign | Math.min(MAX_CODE, (rounded >>> DROPPED_BITS) - BIAS_CODES);
}

/** Value of each of the 256 codes. */
export const FP8_VALUES = Float32Array.from({ length: 256 }, (_, code) => {
  const sign = code & 0x80 ? -1 : 1;
  const exponent = (code >> 3) & 0xf;
  const fraction = code & 0x7;
  if ((code & 0x7f) === NOT_A_NUMBER) return Number.NaN;
  return exponent === 0 ? (sign * fraction) / 2 ** 9 : sign * (1 + fraction / 8) * 2 ** (exponent - 7);
});
