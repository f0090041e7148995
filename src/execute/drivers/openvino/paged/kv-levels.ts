/**
 * Keys or values of a head of one token as OpenVINO's paged attention holds them in 8 bits: a scale and a zero point in f32, then a byte a feature;
 * value = (byte - zero point) · scale. Source: OpenVINO 2026.4, `attn_quant.cpp` and `executor_pa.cpp` of the CPU plugin, quantised by token.
 */
export interface KvLevels {
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly floats: Float32Array;
}

/** Bytes before the levels. */
export const LEVEL_PARAMETERS = 8;
const LEVELS = 255;

export function createKvLevels(bytes: number): KvLevels {
  const buffer = new ArrayBuffer(bytes);
  return { bytes: new Uint8Array(buffer), floats: new Float32Array(buffer) };
}

/** Writes `order.length` features, the one at each place being that of `order`, from `values` at `from`, as levels at byte `to`. */
export function toLevels(values: Float32Array, from: number, { bytes, floats }: KvLevels, to: number, order: Int32Array): void {
  const count = order.length;
  let least = values[from]!;
  let most = least;
  for (let i = from + 1; i < from + count; i++) {
    const value = values[i]!;
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  const scale = Math.fround((most - least) / LEVELS) || Math.fround(1e-10);
  const zero = Math.fround(-least / scale);
  floats[to >> 2] = scale;
  floats[(to >> 2) + 1] = zero;
  const inverse = 1 / scale;
  const at = to + LEVEL_PARAMETERS;
  // Half up is what is right here: none of the sums is negative.
  for (let i = 0; i < count; i++) bytes[at + i] = Math.min(LEVELS, (values[from + order[i]!]! * inverse + zero + 0.5) | 0);
}

/** The inverse: features from levels at byte `from` to `values` at `to`, in the model's order. */
export function fromLevels({ bytes, floats }: KvLevels, from: number, values: Float32Array, to: number, order: Int32Array): void {
  const scale = floats[from >> 2]!;
  const zero = floats[(from >> 2) + 1]!;
  const at = from + LEVEL_PARAMETERS;
  for (let i = 0; i < order.length; i++) values[to + order[i]!] = (bytes[at + i]! - zero) * scale;
}
