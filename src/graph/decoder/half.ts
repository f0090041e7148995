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
