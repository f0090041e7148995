import { type Prng, seededPrng } from "../../../base/prng.ts";
import type { HostTensor, TensorArray, TensorType } from "../../device/tensor.ts";

/** How values are drawn: evenly from [-2, 2), from [0.1, 2), or eighths from -15.875 to 15.875, which every format of 8 significant bits holds. */
export type Draw = "any" | "positive" | "eighths";

/** A tensor of drawn values; whole numbers are from 0 to `below` - 1. The name seeds the draw. */
export function drawn(
  name: string,
  dims: readonly number[],
  options: { readonly type?: TensorType; readonly draw?: Draw; readonly below?: number } = {},
): HostTensor {
  const { type = "f32", draw = "any", below = 5 } = options;
  const prng = seededPrng([...name].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), 7));
  const count = dims.reduce((all, size) => all * size, 1);
  const whole = (): number => prng.nextBelow(type === "bool" ? 2 : below);
  const data = type === "f32" ? Float32Array.from({ length: count }, () => float(prng, draw)) : wholes(type, count, whole);
  return { type, dims, data };
}

export function floats(dims: readonly number[], values: readonly number[]): HostTensor {
  return { type: "f32", dims, data: Float32Array.from(values) };
}

export function ints(values: readonly number[], dims: readonly number[] = [values.length]): HostTensor {
  return { type: "i64", dims, data: BigInt64Array.from(values, BigInt) };
}

function float(prng: Prng, draw: Draw): number {
  if (draw === "eighths") return (prng.nextBelow(255) - 127) / 8;
  return draw === "positive" ? 0.1 + 1.9 * prng.nextFloat() : 4 * prng.nextFloat() - 2;
}

function wholes(type: TensorType, count: number, next: () => number): TensorArray {
  switch (type) {
    case "i64":
      return BigInt64Array.from({ length: count }, () => BigInt(next()));
    case "u64":
      return BigUint64Array.from({ length: count }, () => BigInt(next()));
    case "f64":
      return Float64Array.from({ length: count }, () => next() / 4);
    case "i32":
      return Int32Array.from({ length: count }, next);
    case "u32":
      return Uint32Array.from({ length: count }, next);
    case "i16":
      return Int16Array.from({ length: count }, next);
    // 1.0 in f16 and bf16 and small steps above it.
    case "f16":
      return Uint16Array.from({ length: count }, () => 0x3c00 + 16 * next());
    case "bf16":
      return Uint16Array.from({ length: count }, () => 0x3f80 + 2 * next());
    case "u16":
      return Uint16Array.from({ length: count }, next);
    case "i8":
      return Int8Array.from({ length: count }, next);
    default:
      return Uint8Array.from({ length: count }, next);
  }
}
