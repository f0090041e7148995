import { halfBits, halfTable } from "../../graph/decoder/half.ts";
import type { TensorArray, TensorType } from "../device/tensor.ts";

/** Puts `b` on `a`, element by element, rounding to the type each time. Integers wrap as their arrays do; of truth values `sum` is `or`. */
export function reduceInto(type: TensorType, reduce: "sum" | "max", { a, b }: { readonly a: TensorArray; readonly b: TensorArray }): void {
  if (type === "f16" || type === "bf16") reduceHalf(type, reduce, { a: a as Uint16Array, b: b as Uint16Array });
  else if (type === "i64" || type === "u64") reduceBig(reduce, { a: a as BigInt64Array, b: b as BigInt64Array });
  else reduceNumbers(type === "bool" ? "max" : reduce, { a: a as Float32Array, b: b as Float32Array });
}

/** A larger number, or no number where either is none. */
function larger(left: number, right: number): number {
  return left > right || Number.isNaN(left) ? left : right;
}

function reduceNumbers(
  reduce: "sum" | "max",
  { a, b }: { readonly a: Float32Array | Uint8Array; readonly b: Float32Array | Uint8Array },
): void {
  if (reduce === "sum") for (let i = 0; i < a.length; i++) a[i] = a[i]! + b[i]!;
  else for (let i = 0; i < a.length; i++) a[i] = larger(a[i]!, b[i]!);
}

function reduceBig(reduce: "sum" | "max", { a, b }: { readonly a: BigInt64Array; readonly b: BigInt64Array }): void {
  if (reduce === "sum") for (let i = 0; i < a.length; i++) a[i] = a[i]! + b[i]!;
  else for (let i = 0; i < a.length; i++) if (b[i]! > a[i]!) a[i] = b[i]!;
}

function reduceHalf(type: "f16" | "bf16", reduce: "sum" | "max", { a, b }: { readonly a: Uint16Array; readonly b: Uint16Array }): void {
  const wide = type === "f16" ? (bits: number) => halfTable()[bits]! : bfloatValue;
  const narrow = type === "f16" ? halfBits : bfloatBits;
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [wide(a[i]!), wide(b[i]!)];
    a[i] = narrow(reduce === "sum" ? left + right : larger(left, right));
  }
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

function bfloatValue(half: number): number {
  bits[0] = half << 16;
  return float[0]!;
}

/** To nearest, ties to even, by way of f32, as units that sum in f32 do. */
function bfloatBits(value: number): number {
  float[0] = value;
  if (Number.isNaN(value)) return 0x7fc0;
  const whole = bits[0]!;
  return ((whole + 0x7fff + ((whole >>> 16) & 1)) >>> 16) & 0xffff;
}
