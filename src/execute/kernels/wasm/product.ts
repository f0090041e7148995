/**
 * y = x·Wᵀ of rows in int8 (`quantise.ts`) and weights of 4 or 8 bits.
 *
 * Weights: groups of four outputs, whose blocks of 32 columns follow one another. A block of 4 bits is 80 bytes: 16 bytes hold four columns of the
 * four outputs in their low halves and the four columns 16 further on in their high halves, four times; then d of four outputs and m of four outputs
 * in f16: w = d·q + m. A block of 8 bits is 144: the high halves of all weights laid out so, then the low halves, then d of four outputs in f32:
 * w = d·(16·high + low - 128).
 *
 * Sums stay in 16 bits within a block: 32 / 4 · 2 · 15 · 127 = 30,480. That makes them exact on every processor: relaxed products of signed and
 * 7-bit values differ only where 16 bits overflow. A row's arithmetic is the same alone and among others.
 *
 * Lines are touched 2 KiB before they are needed: products wait in few places of a core, and those that wait for memory keep others from starting.
 * Measured on two cores with weights in memory, in a first form of these loops: 9.6 ms -> 8.3 a token.
 */
import { halfMask, nibbleMask } from "./constants";
import { ACTIVATION_BLOCK, SCALE_AT, SUM_AT } from "./layout";

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

/** One plane of a block against one row, [4 outputs]: its columns c to c + 3 meet `w0`, those 16 further on `w1`, and so on. */
// @ts-ignore: decorator
@inline
function plane(a: usize, w0: v128, w1: v128, w2: v128, w3: v128, w4: v128, w5: v128, w6: v128, w7: v128): v128 {
  let s = i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a), w0);
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 16), w1));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 32), w2));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 48), w3));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 64), w4));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 80), w5));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 96), w6));
  s = i16x8.add(s, i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(a, 112), w7));
  return i32x4.extadd_pairwise_i16x8_s(s);
}

/** Adds a block's integers times the scales of weights and activations, and m times the activations' sum. */
// @ts-ignore: decorator
@inline
function scaled(total: v128, integers: v128, d: v128, m: v128, a: usize): v128 {
  const product = f32x4.mul(f32x4.convert_i32x4_s(integers), v128.load(a, SCALE_AT));
  return f32x4.relaxed_madd(v128.load(a, SUM_AT), m, f32x4.relaxed_madd(product, d, total));
}

/**
 * Four outputs of all rows in 4 bits: weights are unpacked once for all of them, and rows' totals wait in memory from block to block. The store of a
 * row's total also keeps V8 11.3 (Node 20) from reading all rows' activations before it computes any, for which it has too few registers; and it leaves
 * the unpacked weights outside a loop only where that is tested at its end.
 */
// @ts-ignore: decorator
@inline
function group4(weights: usize, a: usize, blocks: i32, rows: i32, stride: usize, to: usize): void {
  const mask = nibbleMask(), halves = halfMask();
  const end = to + <usize>(rows << 4);
  let touched: i32 = 0;
  for (let t = to; t < end; t += 16) v128.store(t, f32x4.splat(0));
  for (let block = 0; block < blocks; block++) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 40);
    const p0 = v128.load(weights), p1 = v128.load(weights, 16), p2 = v128.load(weights, 32), p3 = v128.load(weights, 48);
    const scales = v128.load(weights, 64);
    const d = small(i32x4.extend_low_i16x8_s(scales), halves), m = small(i32x4.extend_high_i16x8_s(scales), halves);
    const w0 = low(p0, mask), w1 = high(p0, mask), w2 = low(p1, mask), w3 = high(p1, mask);
    const w4 = low(p2, mask), w5 = high(p2, mask), w6 = low(p3, mask), w7 = high(p3, mask);
    let row = a, t = to;
    do {
      v128.store(t, scaled(v128.load(t), plane(row, w0, w1, w2, w3, w4, w5, w6, w7), d, m, row));
      row += stride;
      t += 16;
    } while (t < end);
    weights += BLOCK_BYTES_4;
    a += ACTIVATION_BLOCK;
  }
  sink = touched;
  for (let t = to; t < end; t += 16) v128.store(t, f32x4.mul(v128.load(t), f32x4.splat(UNIT_4)));
}

/** Four outputs of all rows in 8 bits. `halves`: room for as many integers as there are totals. */
// @ts-ignore: decorator
@inline
function group8(weights: usize, a: usize, blocks: i32, rows: i32, stride: usize, to: usize, halves: usize): void {
  const mask = nibbleMask();
  const end = to + <usize>(rows << 4);
  const apart = halves - to, halvesEnd = halves + <usize>(rows << 4);
  let touched: i32 = 0;
  for (let t = to; t < end; t += 16) v128.store(t, f32x4.splat(0));
  for (let block = 0; block < blocks; block++) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 48) | load<i32>(weights, AHEAD + 96);
    let p0 = v128.load(weights), p1 = v128.load(weights, 16), p2 = v128.load(weights, 32), p3 = v128.load(weights, 48);
    let w0 = low(p0, mask), w1 = high(p0, mask), w2 = low(p1, mask), w3 = high(p1, mask);
    let w4 = low(p2, mask), w5 = high(p2, mask), w6 = low(p3, mask), w7 = high(p3, mask);
    let row = a, t = halves;
    do {
      v128.store(t, i32x4.shl(plane(row, w0, w1, w2, w3, w4, w5, w6, w7), 4));
      row += stride;
      t += 16;
    } while (t < halvesEnd);
    p0 = v128.load(weights, 64); p1 = v128.load(weights, 80); p2 = v128.load(weights, 96); p3 = v128.load(weights, 112);
    w0 = low(p0, mask); w1 = high(p0, mask); w2 = low(p1, mask); w3 = high(p1, mask);
    w4 = low(p2, mask); w5 = high(p2, mask); w6 = low(p3, mask); w7 = high(p3, mask);
    const d = v128.load(weights, 128);
    const m = f32x4.mul(d, f32x4.splat(-128));
    row = a;
    t = to;
    do {
      v128.store(t, scaled(v128.load(t), i32x4.add(v128.load(t + apart), plane(row, w0, w1, w2, w3, w4, w5, w6, w7)), d, m, row));
      row += stride;
      t += 16;
    } while (t < end);
    weights += BLOCK_BYTES_8;
    a += ACTIVATION_BLOCK;
  }
  sink = touched;
  for (let t = to; t < end; t += 16) v128.store(t, f32x4.mul(v128.load(t), f32x4.splat(UNIT_8)));
}

/** Four outputs of one row, its total in a register. */
// @ts-ignore: decorator
@inline
function one4(weights: usize, a: usize, blocks: i32, to: usize): void {
  let total = f32x4.splat(0);
  let touched: i32 = 0;
  const mask = nibbleMask(), halves = halfMask();
  for (let block = 0; block < blocks; block++) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 40);
    const p0 = v128.load(weights), p1 = v128.load(weights, 16), p2 = v128.load(weights, 32), p3 = v128.load(weights, 48);
    const scales = v128.load(weights, 64);
    const d = small(i32x4.extend_low_i16x8_s(scales), halves), m = small(i32x4.extend_high_i16x8_s(scales), halves);
    const integers = plane(a, low(p0, mask), high(p0, mask), low(p1, mask), high(p1, mask), low(p2, mask), high(p2, mask), low(p3, mask), high(p3, mask));
    total = scaled(total, integers, d, m, a);
    weights += BLOCK_BYTES_4;
    a += ACTIVATION_BLOCK;
  }
  sink = touched;
  v128.store(to, f32x4.mul(total, f32x4.splat(UNIT_4)));
}

// @ts-ignore: decorator
@inline
function planeAt(weights: usize, a: usize, mask: v128): v128 {
  const p0 = v128.load(weights), p1 = v128.load(weights, 16), p2 = v128.load(weights, 32), p3 = v128.load(weights, 48);
  return plane(a, low(p0, mask), high(p0, mask), low(p1, mask), high(p1, mask), low(p2, mask), high(p2, mask), low(p3, mask), high(p3, mask));
}

// @ts-ignore: decorator
@inline
function one8(weights: usize, a: usize, blocks: i32, to: usize): void {
  let total = f32x4.splat(0);
  let touched: i32 = 0;
  const mask = nibbleMask();
  for (let block = 0; block < blocks; block++) {
    touched |= load<i32>(weights, AHEAD) | load<i32>(weights, AHEAD + 48) | load<i32>(weights, AHEAD + 96);
    const d = v128.load(weights, 128);
    const integers = i32x4.add(i32x4.shl(planeAt(weights, a, mask), 4), planeAt(weights + 64, a, mask));
    total = scaled(total, integers, d, f32x4.mul(d, f32x4.splat(-128)), a);
    weights += BLOCK_BYTES_8;
    a += ACTIVATION_BLOCK;
  }
  sink = touched;
  v128.store(to, f32x4.mul(total, f32x4.splat(UNIT_8)));
}

/** Four outputs of many rows to `to`, [rows, 4]; `room` has room for as much. */
export function groupOfRows(weights: usize, bits: i32, a: usize, columns: i32, rows: i32, stride: usize, to: usize, room: usize): void {
  const blocks = columns >> 5;
  if (bits == 4) {
    if (rows == 1) one4(weights, a, blocks, to);
    else group4(weights, a, blocks, rows, stride, to);
  } else if (rows == 1) one8(weights, a, blocks, to);
  else group8(weights, a, blocks, rows, stride, to, room);
}
