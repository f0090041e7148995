/** Scores of heads that share their keys: q·k of up to three heads with four tokens at a time. */

// @ts-ignore: decorator
@inline
function fused(a: v128, b: v128, c: v128): v128 {
  return f32x4.relaxed_madd(a, b, c);
}

/** Sums of the lanes of four vectors. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** One head, four tokens. `size`: bytes of a head of one token. */
// @ts-ignore: decorator
@inline
function scoresOfOne(q: usize, keys: usize, size: usize, to: usize): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  const k1 = keys + size, k2 = k1 + size, k3 = k2 + size;
  for (let i: usize = 0; i < size; i += 16) {
    const x = v128.load(q + i);
    a0 = fused(x, v128.load(keys + i), a0);
    a1 = fused(x, v128.load(k1 + i), a1);
    a2 = fused(x, v128.load(k2 + i), a2);
    a3 = fused(x, v128.load(k3 + i), a3);
  }
  v128.store(to, sums(a0, a1, a2, a3));
}

/** Three heads, four tokens; each head's arithmetic is that of `scoresOfOne`. */
// @ts-ignore: decorator
@inline
function scoresOfThree(q: usize, keys: usize, size: usize, to: usize, apart: usize): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0);
  const k1 = keys + size, k2 = k1 + size, k3 = k2 + size;
  const q1 = q + size, q2 = q1 + size;
  for (let i: usize = 0; i < size; i += 16) {
    const x = v128.load(q + i), y = v128.load(q1 + i), z = v128.load(q2 + i);
    let k = v128.load(keys + i);
    a0 = fused(x, k, a0); b0 = fused(y, k, b0); c0 = fused(z, k, c0);
    k = v128.load(k1 + i);
    a1 = fused(x, k, a1); b1 = fused(y, k, b1); c1 = fused(z, k, c1);
    k = v128.load(k2 + i);
    a2 = fused(x, k, a2); b2 = fused(y, k, b2); c2 = fused(z, k, c2);
    k = v128.load(k3 + i);
    a3 = fused(x, k, a3); b3 = fused(y, k, b3); c3 = fused(z, k, c3);
  }
  v128.store(to, sums(a0, a1, a2, a3));
  v128.store(to + apart, sums(b0, b1, b2, b3));
  v128.store(to + (apart << 1), sums(c0, c1, c2, c3));
}

/**
 * Scores of `heads` heads with `tokens` tokens of one page, in fours: what lies behind the last token is of no meaning. `apart`: bytes between
 * the scores of two heads.
 */
export function scoresOfPage(q: usize, keys: usize, size: usize, heads: i32, tokens: i32, to: usize, apart: usize): void {
  for (let token = 0; token < tokens; token += 4) {
    const k = keys + <usize>token * size;
    const at = to + <usize>(token << 2);
    let head = 0;
    for (; head + 3 <= heads; head += 3) scoresOfThree(q + <usize>head * size, k, size, at + <usize>head * apart, apart);
    for (; head < heads; head++) scoresOfOne(q + <usize>head * size, k, size, at + <usize>head * apart);
  }
}
