let table: Float32Array | undefined;

/** Values of all 65,536 IEEE half-precision bit patterns; built once, 256 KB. */
export function halfTable(): Float32Array {
  table ??= buildTable();
  return table;
}

function buildTable(): Float32Array {
  const bits = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) bits[half] = halfToFloatBits(half);
  return new Float32Array(bits.buffer);
}

function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // A subnormal half is a normal float: shift the leading one into the hidden place.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

/** Largest finite half, and the value from which rounding gives infinity. Source: IEEE 754-2019, binary16. */
const HALF_OVERFLOW = 65_520;
const HALF_SMALLEST_NORMAL = 2.0 / 32_768;
const HALF_STEP = HALF_SMALLEST_NORMAL / 1024;

/** Bits of the nearest half, ties to even. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= HALF_OVERFLOW) return sign | 0x7c00;
  if (size < HALF_SMALLEST_NORMAL) return sign | evenRound(size / HALF_STEP);
  let exponent = 0;
  let scaled = size;
  while (scaled >= 2) {
    scaled /= 2;
    exponent++;
  }
  while (scaled < 1) {
    scaled *= 2;
    exponent--;
  }
  // A fraction that rounds up to 1024 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + evenRound((scaled - 1) * 1024));
}

function evenRound(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
