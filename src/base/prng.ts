/** A deterministic source of numbers; the only chance the pure layers know. */
export interface Prng {
  /** Uniform 32-bit unsigned integer. */
  nextU32(): number;
  /** Uniform in [0, 1) with 53 bits. */
  nextFloat(): number;
  /** Uniform integer in [0, bound). */
  nextBelow(bound: number): number;
}

/** sfc32 (Doty-Humphrey, PractRand) seeded through splitmix32; the same sequence on every platform. */
export function seededPrng(seed: number): Prng {
  let s = seed >>> 0;
  const split = (): number => {
    s = (s + 0x9e3779b9) | 0;
    return mix32(s);
  };
  let a = split();
  let b = split();
  let c = split();
  let counter = 1;
  const nextU32 = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) nextU32();
  return {
    nextU32,
    nextFloat: () => ((nextU32() >>> 5) * 67108864 + (nextU32() >>> 6)) / 9007199254740992,
    nextBelow: (bound) => Math.floor((((nextU32() >>> 5) * 67108864 + (nextU32() >>> 6)) / 9007199254740992) * bound),
  };
}

/** Uniform in [0, 1) from a seed and a counter, without state: the draw for token `counter` of a request with `seed`. */
export function counterFloat(seed: number, counter: number): number {
  const high = mix32((mix32(seed | 0) ^ Math.imul(counter + 1, 0x85ebca6b)) | 0);
  const low = mix32((high + 0x9e3779b9) ^ Math.imul(counter, 0xc2b2ae35));
  return ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;
}

/** 32-bit finaliser (murmur3 fmix32). */
export function mix32(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}
