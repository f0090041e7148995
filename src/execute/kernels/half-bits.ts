const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);
const SMALLEST_NORMAL = 2 ** -14;
const SMALLEST = 2 ** -24;
const LARGEST = 65_504;

/** Bits of the nearest half-precision number (ties to even); what is larger than all of them becomes the largest. */
export function halfBits(value: number): number {
  const size = Math.min(Math.abs(value), LARGEST);
  const sign = value < 0 ? 0x8000 : 0;
  // Below the normal numbers halves are multiples of 2^-24; a carry gives the first normal one.
  if (size < SMALLEST_NORMAL) return sign | even(size / SMALLEST);
  floats[0] = size;
  const single = bits[0]!;
  const kept = single >>> 13;
  const rest = single & 0x1fff;
  const up = rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1) ? 1 : 0;
  // Exponents differ by 112.
  return sign | (kept - (112 << 10) + up);
}

function even(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
