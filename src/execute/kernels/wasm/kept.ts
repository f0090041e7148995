/**
 * Keys and values as pages hold them; a head of one token is padded to a multiple of eight columns with zeros.
 *
 * Keys: one byte a column, and one scale in f32 a token and head: the 64 tokens of a page's head lie behind each other, then their scales. Values: bf16,
 * two to a word: of eight columns, word i holds column i in its low half and column i + 4 in its high half. Queries meet keys as integers of 12 bits.
 */

/** Largest values below this are taken for zeros. */
const LEAST: f32 = 1e-30;

/** Levels of the largest value of a head: of keys, and of queries. */
const KEY_LEVELS: f32 = 127;
const QUERY_LEVELS: f32 = 2047;

// @ts-ignore: decorator
@inline
function largestOf(from: usize, end: usize): f32 {
  let top = f32x4.abs(v128.load(from));
  for (let at = from + 16; at < end; at += 16) top = f32x4.pmax(top, f32x4.abs(v128.load(at)));
  return max(max(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)), max(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)));
}

/** Eight integers in i16 lanes. */
// @ts-ignore: decorator
@inline
function eight(from: usize, inverse: v128): v128 {
  const left = f32x4.nearest(f32x4.mul(v128.load(from), inverse));
  const right = f32x4.nearest(f32x4.mul(v128.load(from, 16), inverse));
  return i16x8.narrow_i32x4_s(i32x4.relaxed_trunc_f32x4_s(left), i32x4.relaxed_trunc_f32x4_s(right));
}

/**
 * `columns` floats (a multiple of eight) to as many bytes; gives their scale, rounded up to 17 bits, so that integers times scale are exact and keep
 * these integers and this scale when they are rounded anew.
 */
export function keepKey(from: usize, to: usize, columns: i32): f32 {
  const end = from + <usize>(columns << 2);
  const largest = largestOf(from, end);
  const scale: f32 = largest < LEAST ? 0 : reinterpret<f32>((reinterpret<i32>(largest / KEY_LEVELS) + 127) & ~127);
  const inverse = f32x4.splat(scale > 0 ? <f32>1 / scale : 0);
  for (; from < end; from += 32) {
    const integers = eight(from, inverse);
    v128.store64_lane(to, i8x16.narrow_i16x8_s(integers, integers), 0);
    to += 8;
  }
  return scale;
}

/** `columns` floats (a multiple of eight) to as many i16; gives their scale. */
export function keepQuery(from: usize, to: usize, columns: i32): f32 {
  const end = from + <usize>(columns << 2);
  const largest = largestOf(from, end);
  const inverse = f32x4.splat(largest < LEAST ? 0 : QUERY_LEVELS / largest);
  for (; from < end; from += 32) {
    v128.store(to, eight(from, inverse));
    to += 16;
  }
  return largest / QUERY_LEVELS;
}

/** Bits of bf16 in the high halves, rounded to nearest, ties to even. */
// @ts-ignore: decorator
@inline
function nearest(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  return i32x4.add(x, i32x4.add(odd, i32x4.splat(0x7fff)));
}

/** `columns` floats (a multiple of eight) to half as many words. */
export function keepValue(from: usize, to: usize, columns: i32): void {
  const end = from + <usize>(columns << 2);
  for (; from < end; from += 32) {
    const left = i32x4.shr_u(nearest(v128.load(from)), 16);
    const right = v128.and(nearest(v128.load(from, 16)), i32x4.splat(0xffff0000));
    v128.store(to, v128.or(left, right));
    to += 16;
  }
}

/** Keys of a page, so many floats a head of a token, to bytes and scales; heads and tokens come in any order, so many bytes one behind the other. */
export function keepKeys(from: usize, to: usize, heads: i32, tokens: i32, columns: i32, headStep: i32, tokenStep: i32): void {
  for (let head = 0; head < heads; head++) {
    let row = from + <usize>(head * headStep);
    const scales = to + <usize>(tokens * columns);
    for (let token = 0; token < tokens; token++) {
      store<f32>(scales + <usize>(token << 2), keepKey(row, to, columns));
      row += <usize>tokenStep;
      to += <usize>columns;
    }
    to += <usize>(tokens << 2);
  }
}

/** Values of a page to words; they come as keys do. */
export function keepValues(from: usize, to: usize, heads: i32, tokens: i32, columns: i32, headStep: i32, tokenStep: i32): void {
  for (let head = 0; head < heads; head++) {
    let row = from + <usize>(head * headStep);
    for (let token = 0; token < tokens; token++) {
      keepValue(row, to, columns);
      row += <usize>tokenStep;
      to += <usize>(columns << 1);
    }
  }
}

/** Columns i of words. */
// @ts-ignore: decorator
@inline
export function lowHalves(words: v128): v128 {
  return i32x4.shl(words, 16);
}

/** Columns i + 4. */
// @ts-ignore: decorator
@inline
export function highHalves(words: v128, mask: v128): v128 {
  return v128.and(words, mask);
}
