/** Lengths have at most five groups of seven bits. */
const SCALE_MAX = 268_435_456;

/**
 * Whether a run-length and bit-packed stream of `values` values of `bits` bits has no run longer than that: the reader writes runs as long as they say they
 * are. A stream that ends early is left to the reader, which finds no bytes then. Source: Apache Parquet format, encodings, RLE / bit-packing hybrid.
 */
export function runsFit(bytes: Uint8Array, options: { readonly bits: number; readonly values: number }): boolean {
  const { bits, values } = options;
  const valueBytes = Math.ceil(bits / 8);
  let seen = 0;
  let offset = 0;
  while (seen < values) {
    let header = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[offset];
      if (byte === undefined) return true;
      if (scale > SCALE_MAX) return false;
      offset += 1;
      header += (byte & 127) * scale;
      if (byte < 128) break;
    }
    const groups = Math.floor(header / 2);
    const packed = header % 2 === 1;
    // The last group of eight may be part padding.
    const count = packed ? 8 * groups : groups;
    if (count > values - seen + (packed ? 7 : 0)) return false;
    offset += packed ? groups * bits : valueBytes;
    seen += count;
  }
  return true;
}
