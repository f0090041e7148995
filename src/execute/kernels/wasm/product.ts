/**
 * y = x·Wᵀ of rows in int8 (`quantise.ts`) and weights of 4 or 8 bits.
 *
 * Weights: groups of four outputs, whose blocks of 32 columns follow one another. A block of 4 bits is 80 bytes: 16 bytes hold four columns of the
 * four outputs in their low halves and the four columns 16 further on in their high halves, four times; then d of four outputs and m of four outputs
 * in f16: w = d·q + m. A block of 8 bits is 144: the high halves of all weights laid out so, then the low halves, then d of four outputs in f32:
 * w = d·(16·high + low - 128).
 *
 * Sums stay in 16 bits within a block: 32 / 4 · 2 · 15 · 127 = 30,480. That makes them exact on every processor: relaxed products of signed and
 * 7-bit values differ only where 16 bits overflow. A row's arithmetic is the same in tiles of one, two and four rows.
 *
 * Lines are touched 2 KiB before they are needed: products wait in few places of a core, and those that wait for memory keep others from starting.
 * Measured on two cores with weights in memory, in a first form of these loops: 9.6 ms -> 8.3 a token.
 */
import { halfMask, nibbleMask } from "./constants";
import { BLOCK } from "./layout";

export const BLOCK_BYTES_4: usize = 80;
export const BLOCK_BYTES_8: usize = 144;
const AHEAD: usize = 2048;
/** What sums are multiplied by at their end: see `small`, and `ACTIVATION_UNIT`. */
const UNIT_4: f32 = 2.81474976710656e14;
const UNIT_8: f32 = 5.421010862427522e-20;
/** Makes the compiler keep what is read ahead. */
export let sink: i32 = 0;

// @ts-ignore: decorator
@inline
function times(a: usize, weights: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(a), weights);
}

// @ts-ignore: decorator
@inline
function low(weights: v128, mask: v128): v128 {
  return v128.and(weights, mask);
}

// @ts-ignore: decorator
@inline
function high(weights: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(weights, 4), mask);
}

/**
 * Four of eight halves as f32, 2^-112 of what they are: sign, exponent and fraction are moved to their places, and the exponents' biases differ by 112.
 * Activations come times 2^64, and sums are multiplied by 2^48 at their end: no product on the way leaves the range of f32.
 */
// @ts-ignore: decorator
@inline
function small(wide: v128, mask: v128): v128 {
  return v128.and(i32x4.shl(wide, 13), mask);
}

/** Adds a block's integers, [4 outputs], times the scales of weights and activations, and m times the activations' sum. */
// @ts-ignore: decorator
@inline
function scaled(total: v128, integers: v128, d: v128, m: v128, scale: usize, toSum: usize): v128 {
  const product = f32x4.mul(f32x4.convert_i32x4_s(integers), v128.load32_splat(scale));
  return f32x4.relaxed_madd(v128.load32_splat(scale + toSum), m, f32x4.relaxed_madd(product, d, total));
}

/** One plane of a block against one row. */
// @ts-ignore: decorator
@inline
function plane(weights: usize, a: usize, mask: v128): v128 {
  const w0 = v128.load(weights), w1 = v128.load(weights, 16), w2 = v128.load(weights, 32), w3 = v128.load(weights, 48);
  let s = i16x8.add(times(a, low(w0, mask)), times(a + 16, high(w0, mask)));
  s = i16x8.add(i16x8.add(s, times(a + 4, low(w1, mask))), times(a + 20, high(w1, mask)));
  s = i16x8.add(i16x8.add(s, times(a + 8, low(w2, mask))), times(a + 24, high(w2, mask)));
  s = i16x8.add(i16x8.add(s, times(a + 12, low(w3, mask))), times(a + 28, high(w3, mask)));
  return i32x4.extadd_pairwise_i16x8_s(s);
}

/** Four outputs of one row. */
// @ts-ignore: decorator
@inline
function one4(weights: usize, row: usize, columns: i32, to: usize): void {
  let total = f32x4.splat(0);
  let scale = row + <usize>columns;
  const toSum = <usize>(columns >> 3);
  const end = scale;
  let touched: i32 = 0;
  const mask = nibbleMask(), halves = halfMask();
  for (let a = row; a < end; a += BLOCK) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 40);
    const scales = v128.load(weights, 64);
    const d = small(i32x4.extend_low_i16x8_s(scales), halves), m = small(i32x4.extend_high_i16x8_s(scales), halves);
    total = scaled(total, plane(weights, a, mask), d, m, scale, toSum);
    weights += BLOCK_BYTES_4;
    scale += 4;
  }
  sink = touched;
  const unit = f32x4.splat(UNIT_4);
  v128.store(to, f32x4.mul(total, unit));
}

// @ts-ignore: decorator
@inline
function one8(weights: usize, row: usize, columns: i32, to: usize): void {
  let total = f32x4.splat(0);
  let scale = row + <usize>columns;
  const toSum = <usize>(columns >> 3);
  const end = scale;
  let touched: i32 = 0;
  const mask = nibbleMask();
  for (let a = row; a < end; a += BLOCK) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 48) | load<i32>(weights, AHEAD + 96);
    const d = v128.load(weights, 128);
    const integers = i32x4.add(i32x4.shl(plane(weights, a, mask), 4), plane(weights + 64, a, mask));
    total = scaled(total, integers, d, f32x4.mul(d, f32x4.splat(-128)), scale, toSum);
    weights += BLOCK_BYTES_8;
    scale += 4;
  }
  sink = touched;
  const unit = f32x4.splat(UNIT_8);
  v128.store(to, f32x4.mul(total, unit));
}

/** Four outputs of four rows, whose activations begin `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function four4(weights: usize, row: usize, columns: i32, stride: usize, to: usize): void {
  let t0 = f32x4.splat(0), t1 = f32x4.splat(0), t2 = f32x4.splat(0), t3 = f32x4.splat(0);
  let scale = row + <usize>columns;
  const toSum = <usize>(columns >> 3);
  const end = scale;
  let touched: i32 = 0;
  const mask = nibbleMask(), halves = halfMask();
  for (let a = row; a < end; a += BLOCK) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 40);
    const b = a + stride, c = b + stride, e = c + stride;
    let p = v128.load(weights);
    let w = low(p, mask);
    let s0 = times(a, w), s1 = times(b, w), s2 = times(c, w), s3 = times(e, w);
    w = high(p, mask);
    s0 = i16x8.add(s0, times(a + 16, w)); s1 = i16x8.add(s1, times(b + 16, w)); s2 = i16x8.add(s2, times(c + 16, w)); s3 = i16x8.add(s3, times(e + 16, w));
    p = v128.load(weights, 16);
    w = low(p, mask);
    s0 = i16x8.add(s0, times(a + 4, w)); s1 = i16x8.add(s1, times(b + 4, w)); s2 = i16x8.add(s2, times(c + 4, w)); s3 = i16x8.add(s3, times(e + 4, w));
    w = high(p, mask);
    s0 = i16x8.add(s0, times(a + 20, w)); s1 = i16x8.add(s1, times(b + 20, w)); s2 = i16x8.add(s2, times(c + 20, w)); s3 = i16x8.add(s3, times(e + 20, w));
    p = v128.load(weights, 32);
    w = low(p, mask);
    s0 = i16x8.add(s0, times(a + 8, w)); s1 = i16x8.add(s1, times(b + 8, w)); s2 = i16x8.add(s2, times(c + 8, w)); s3 = i16x8.add(s3, times(e + 8, w));
    w = high(p, mask);
    s0 = i16x8.add(s0, times(a + 24, w)); s1 = i16x8.add(s1, times(b + 24, w)); s2 = i16x8.add(s2, times(c + 24, w)); s3 = i16x8.add(s3, times(e + 24, w));
    p = v128.load(weights, 48);
    w = low(p, mask);
    s0 = i16x8.add(s0, times(a + 12, w)); s1 = i16x8.add(s1, times(b + 12, w)); s2 = i16x8.add(s2, times(c + 12, w)); s3 = i16x8.add(s3, times(e + 12, w));
    w = high(p, mask);
    s0 = i16x8.add(s0, times(a + 28, w)); s1 = i16x8.add(s1, times(b + 28, w)); s2 = i16x8.add(s2, times(c + 28, w)); s3 = i16x8.add(s3, times(e + 28, w));
    const scales = v128.load(weights, 64);
    const d = small(i32x4.extend_low_i16x8_s(scales), halves), m = small(i32x4.extend_high_i16x8_s(scales), halves);
    t0 = scaled(t0, i32x4.extadd_pairwise_i16x8_s(s0), d, m, scale, toSum);
    t1 = scaled(t1, i32x4.extadd_pairwise_i16x8_s(s1), d, m, scale + stride, toSum);
    t2 = scaled(t2, i32x4.extadd_pairwise_i16x8_s(s2), d, m, scale + stride * 2, toSum);
    t3 = scaled(t3, i32x4.extadd_pairwise_i16x8_s(s3), d, m, scale + stride * 3, toSum);
    weights += BLOCK_BYTES_4;
    scale += 4;
  }
  sink = touched;
  const unit = f32x4.splat(UNIT_4);
  v128.store(to, f32x4.mul(t0, unit)); v128.store(to, f32x4.mul(t1, unit), 16); v128.store(to, f32x4.mul(t2, unit), 32); v128.store(to, f32x4.mul(t3, unit), 48);
}

/** Two rows of 8 bits. */
// @ts-ignore: decorator
@inline
function two8(weights: usize, row: usize, columns: i32, stride: usize, to: usize): void {
  let t0 = f32x4.splat(0), t1 = f32x4.splat(0);
  let scale = row + <usize>columns;
  const toSum = <usize>(columns >> 3);
  const end = scale;
  let touched: i32 = 0;
  const mask = nibbleMask();
  for (let a = row; a < end; a += BLOCK) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 48) | load<i32>(weights, AHEAD + 96);
    const b = a + stride;
    let h0 = i32x4.splat(0), h1 = i32x4.splat(0);
    for (let turn = 0; turn < 2; turn++) {
      let p = v128.load(weights);
      let w = low(p, mask);
      let s0 = times(a, w), s1 = times(b, w);
      w = high(p, mask);
      s0 = i16x8.add(s0, times(a + 16, w)); s1 = i16x8.add(s1, times(b + 16, w));
      p = v128.load(weights, 16);
      w = low(p, mask);
      s0 = i16x8.add(s0, times(a + 4, w)); s1 = i16x8.add(s1, times(b + 4, w));
      w = high(p, mask);
      s0 = i16x8.add(s0, times(a + 20, w)); s1 = i16x8.add(s1, times(b + 20, w));
      p = v128.load(weights, 32);
      w = low(p, mask);
      s0 = i16x8.add(s0, times(a + 8, w)); s1 = i16x8.add(s1, times(b + 8, w));
      w = high(p, mask);
      s0 = i16x8.add(s0, times(a + 24, w)); s1 = i16x8.add(s1, times(b + 24, w));
      p = v128.load(weights, 48);
      w = low(p, mask);
      s0 = i16x8.add(s0, times(a + 12, w)); s1 = i16x8.add(s1, times(b + 12, w));
      w = high(p, mask);
      s0 = i16x8.add(s0, times(a + 28, w)); s1 = i16x8.add(s1, times(b + 28, w));
      h0 = i32x4.add(i32x4.shl(h0, 4), i32x4.extadd_pairwise_i16x8_s(s0));
      h1 = i32x4.add(i32x4.shl(h1, 4), i32x4.extadd_pairwise_i16x8_s(s1));
      weights += 64;
    }
    const d = v128.load(weights);
    const m = f32x4.mul(d, f32x4.splat(-128));
    t0 = scaled(t0, h0, d, m, scale, toSum);
    t1 = scaled(t1, h1, d, m, scale + stride, toSum);
    weights += 16;
    scale += 4;
  }
  sink = touched;
  const unit = f32x4.splat(UNIT_8);
  v128.store(to, f32x4.mul(t0, unit)); v128.store(to, f32x4.mul(t1, unit), 16);
}

/** Four outputs of many rows to `to`, [rows, 4]. */
export function groupOfRows(weights: usize, bits: i32, row: usize, columns: i32, rows: i32, stride: usize, to: usize): void {
  let r = 0;
  if (bits == 4) {
    for (; r + 4 <= rows; r += 4) four4(weights, row + <usize>r * stride, columns, stride, to + <usize>(r << 4));
    for (; r < rows; r++) one4(weights, row + <usize>r * stride, columns, to + <usize>(r << 4));
  } else {
    for (; r + 2 <= rows; r += 2) two8(weights, row + <usize>r * stride, columns, stride, to + <usize>(r << 4));
    for (; r < rows; r++) one8(weights, row + <usize>r * stride, columns, to + <usize>(r << 4));
  }
}
