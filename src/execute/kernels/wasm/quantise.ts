/**
 * Activations in int8 with one scale a block of 32: what products take. A row of K columns (a multiple of 32) is K/32 blocks (`layout.ts`),
 * `rowBytes(K)` in all.
 */
import { ACTIVATION_BLOCK, BLOCK, SCALE_AT, SUM_AT } from "./layout";

/** Scales and sums are kept times 2^64, since products have weights' scales times 2^-112. */
const ACTIVATION_UNIT: f32 = 1.8446744073709552e19;

// @ts-ignore: decorator
@inline
export function rowBytes(columns: i32): usize {
  return <usize>(columns >> 5) * ACTIVATION_BLOCK;
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

// @ts-ignore: decorator
@inline
function largestLane(v: v128): f32 {
  return max(max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

/** Four integers in i32 lanes; of what no f32 holds, as of NaN, those of the processor. */
// @ts-ignore: decorator
@inline
function rounded(from: usize, inverse: v128): v128 {
  return i32x4.relaxed_trunc_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from), inverse)));
}

/** One block: 32 floats at `from` to the row at `row`, as its block `block`. */
export function quantiseBlock(from: usize, row: usize, block: i32): void {
  let top = f32x4.abs(v128.load(from));
  for (let i: usize = 16; i < 128; i += 16) top = f32x4.pmax(top, f32x4.abs(v128.load(from + i)));
  const largest = largestLane(top);
  const scale = (largest / 127) * ACTIVATION_UNIT;
  const inverse = f32x4.splat(largest > 0 ? 127 / largest : 0);
  const to = row + <usize>block * ACTIVATION_BLOCK;
  const a = i16x8.narrow_i32x4_s(rounded(from, inverse), rounded(from + 16, inverse));
  const b = i16x8.narrow_i32x4_s(rounded(from + 32, inverse), rounded(from + 48, inverse));
  const c = i16x8.narrow_i32x4_s(rounded(from + 64, inverse), rounded(from + 80, inverse));
  const d = i16x8.narrow_i32x4_s(rounded(from + 96, inverse), rounded(from + 112, inverse));
  const left = i8x16.narrow_i16x8_s(a, b), right = i8x16.narrow_i16x8_s(c, d);
  v128.store(to, v128.shuffle<i32>(left, left, 0, 0, 0, 0));
  v128.store(to, v128.shuffle<i32>(right, right, 0, 0, 0, 0), 16);
  v128.store(to, v128.shuffle<i32>(left, left, 1, 1, 1, 1), 32);
  v128.store(to, v128.shuffle<i32>(right, right, 1, 1, 1, 1), 48);
  v128.store(to, v128.shuffle<i32>(left, left, 2, 2, 2, 2), 64);
  v128.store(to, v128.shuffle<i32>(right, right, 2, 2, 2, 2), 80);
  v128.store(to, v128.shuffle<i32>(left, left, 3, 3, 3, 3), 96);
  v128.store(to, v128.shuffle<i32>(right, right, 3, 3, 3, 3), 112);
  const sums = i32x4.extadd_pairwise_i16x8_s(i16x8.add(i16x8.add(a, b), i16x8.add(c, d)));
  v128.store(to, f32x4.splat(scale), SCALE_AT);
  v128.store(to, f32x4.splat(scale * sumLanes(f32x4.convert_i32x4_s(sums))), SUM_AT);
}

export function quantiseRow(from: usize, row: usize, columns: i32): void {
  for (let block = 0; block < columns / BLOCK; block++) quantiseBlock(from + <usize>(block * BLOCK * 4), row, block);
}

/** RMS norm of a row of `width` floats (a multiple of 4) to `to`; what lies behind it up to `columns` becomes zero. */
export function normRow(from: usize, weight: usize, to: usize, width: i32, columns: i32, epsilon: f32): void {
  let squares = f32x4.splat(0);
  const end = <usize>(width << 2);
  for (let i: usize = 0; i < end; i += 16) {
    const x = v128.load(from + i);
    squares = f32x4.add(squares, f32x4.mul(x, x));
  }
  const factor = f32x4.splat(<f32>1 / sqrt<f32>(sumLanes(squares) / <f32>width + epsilon));
  for (let i: usize = 0; i < end; i += 16) v128.store(to + i, f32x4.mul(f32x4.mul(v128.load(from + i), factor), v128.load(weight + i)));
  for (let i = end; i < <usize>(columns << 2); i += 4) store<f32>(to + i, 0);
}
