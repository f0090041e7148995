/** Values weighed by probabilities, of heads that share their values. */
import { highMask } from "./constants";
import { highHalves, lowHalves } from "./kept";

// @ts-ignore: decorator
@inline
function fused(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** Adds Σ p·v over the tokens of a page to one head's eight columns at `to`. `size`: bytes of a head of one token. */
// @ts-ignore: decorator
@inline
function weighOne(p: usize, values: usize, size: usize, tokens: i32, to: usize): void {
  let a0 = v128.load(to), a1 = v128.load(to, 16);
  const mask = highMask();
  const end = p + <usize>(tokens << 2);
  do {
    const v = v128.load(values);
    const x = v128.load32_splat(p);
    a0 = fused(x, lowHalves(v), a0);
    a1 = fused(x, highHalves(v, mask), a1);
    p += 4;
    values += size;
  } while (p < end);
  v128.store(to, a0); v128.store(to, a1, 16);
}

/** Three heads, eight columns; each head's arithmetic is that of `weighOne`. */
// @ts-ignore: decorator
@inline
function weighThree(p: usize, apart: usize, values: usize, size: usize, tokens: i32, to: usize): void {
  const t1 = to + (size << 1), t2 = t1 + (size << 1);
  let a0 = v128.load(to), a1 = v128.load(to, 16);
  let b0 = v128.load(t1), b1 = v128.load(t1, 16);
  let c0 = v128.load(t2), c1 = v128.load(t2, 16);
  const mask = highMask();
  let p1 = p + apart, p2 = p1 + apart;
  const end = p + <usize>(tokens << 2);
  do {
    const v = v128.load(values);
    const left = lowHalves(v), right = highHalves(v, mask);
    const x = v128.load32_splat(p), y = v128.load32_splat(p1), z = v128.load32_splat(p2);
    a0 = fused(x, left, a0); a1 = fused(x, right, a1);
    b0 = fused(y, left, b0); b1 = fused(y, right, b1);
    c0 = fused(z, left, c0); c1 = fused(z, right, c1);
    p += 4;
    p1 += 4;
    p2 += 4;
    values += size;
  } while (p < end);
  v128.store(to, a0); v128.store(to, a1, 16);
  v128.store(t1, b0); v128.store(t1, b1, 16);
  v128.store(t2, c0); v128.store(t2, c1, 16);
}

/** Adds one page to the sums of `heads` heads, [head, size / 2 floats] at `to`; probabilities of two heads lie `apart` bytes apart. */
export function weighPage(p: usize, apart: usize, values: usize, size: usize, heads: i32, tokens: i32, to: usize): void {
  let head = 0;
  for (; head + 3 <= heads; head += 3) {
    const first = p + <usize>head * apart, sums = to + <usize>head * (size << 1);
    for (let column: usize = 0; column < size; column += 16) weighThree(first, apart, values + column, size, tokens, sums + (column << 1));
  }
  for (; head < heads; head++) {
    const first = p + <usize>head * apart, sums = to + <usize>head * (size << 1);
    for (let column: usize = 0; column < size; column += 16) weighOne(first, values + column, size, tokens, sums + (column << 1));
  }
}
