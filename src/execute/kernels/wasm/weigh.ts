/** Values weighed by probabilities, of heads that share their values. */

// @ts-ignore: decorator
@inline
function fused(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** Adds Σ p·v over the tokens of a page to one head's four columns at `to`. */
// @ts-ignore: decorator
@inline
function weighFour(p: usize, values: usize, size: usize, tokens: i32, to: usize): void {
  let a = v128.load(to);
  for (let token = 0; token < tokens; token++) {
    a = fused(v128.load32_splat(p), v128.load(values), a);
    p += 4;
    values += size;
  }
  v128.store(to, a);
}

/** Three heads, sixteen columns; each head's arithmetic is that of `weighFour`. */
// @ts-ignore: decorator
@inline
function weighThree(p: usize, apart: usize, values: usize, size: usize, tokens: i32, to: usize): void {
  const t1 = to + size, t2 = t1 + size;
  let a0 = v128.load(to), a1 = v128.load(to, 16), a2 = v128.load(to, 32), a3 = v128.load(to, 48);
  let b0 = v128.load(t1), b1 = v128.load(t1, 16), b2 = v128.load(t1, 32), b3 = v128.load(t1, 48);
  let c0 = v128.load(t2), c1 = v128.load(t2, 16), c2 = v128.load(t2, 32), c3 = v128.load(t2, 48);
  const p1 = apart, p2 = apart << 1;
  for (let token = 0; token < tokens; token++) {
    const x = v128.load32_splat(p), y = v128.load32_splat(p + p1), z = v128.load32_splat(p + p2);
    let v = v128.load(values);
    a0 = fused(x, v, a0); b0 = fused(y, v, b0); c0 = fused(z, v, c0);
    v = v128.load(values, 16);
    a1 = fused(x, v, a1); b1 = fused(y, v, b1); c1 = fused(z, v, c1);
    v = v128.load(values, 32);
    a2 = fused(x, v, a2); b2 = fused(y, v, b2); c2 = fused(z, v, c2);
    v = v128.load(values, 48);
    a3 = fused(x, v, a3); b3 = fused(y, v, b3); c3 = fused(z, v, c3);
    p += 4;
    values += size;
  }
  v128.store(to, a0); v128.store(to, a1, 16); v128.store(to, a2, 32); v128.store(to, a3, 48);
  v128.store(t1, b0); v128.store(t1, b1, 16); v128.store(t1, b2, 32); v128.store(t1, b3, 48);
  v128.store(t2, c0); v128.store(t2, c1, 16); v128.store(t2, c2, 32); v128.store(t2, c3, 48);
}

/** Adds one page to the sums of `heads` heads, [head, size bytes] at `to`; probabilities of two heads lie `apart` bytes apart. */
export function weighPage(p: usize, apart: usize, values: usize, size: usize, heads: i32, tokens: i32, to: usize): void {
  let head = 0;
  for (; head + 3 <= heads; head += 3) {
    let column: usize = 0;
    for (; column + 64 <= size; column += 64) weighThree(p + <usize>head * apart, apart, values + column, size, tokens, to + <usize>head * size + column);
    for (; column < size; column += 16) {
      for (let one = head; one < head + 3; one++) weighFour(p + <usize>one * apart, values + column, size, tokens, to + <usize>one * size + column);
    }
  }
  for (; head < heads; head++) {
    for (let column: usize = 0; column < size; column += 16) {
      weighFour(p + <usize>head * apart, values + column, size, tokens, to + <usize>head * size + column);
    }
  }
}
