import { halfTable } from "../../graph/decoder/half.ts";
import type { HostTensor } from "../device/tensor.ts";
import type { Divergence } from "./finding.ts";

/**
 * Distance of a tensor from the reference's of the same shape; undefined where type or shape differ. Values that are no numbers in both count as equal,
 * in one alone as infinitely far. Differences are taken over the reference's largest value, or over `leastScale` where that is more.
 */
export function divergenceOf(reference: HostTensor, tensor: HostTensor, tolerance: number, leastScale = 0): Divergence | undefined {
  if (reference.type !== tensor.type || reference.dims.join() !== tensor.dims.join()) return undefined;
  const [wanted, got] = [numbersOf(reference), numbersOf(tensor)];
  let maxAbsolute = 0;
  let largest = leastScale;
  let [dot, wantedSquares, gotSquares] = [0, 0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [wanted[i]!, got[i]!];
    if (Number.isFinite(a)) largest = Math.max(largest, Math.abs(a));
    const difference = a === b || (Number.isNaN(a) && Number.isNaN(b)) ? 0 : Math.abs(a - b);
    maxAbsolute = Math.max(maxAbsolute, Number.isNaN(difference) ? Infinity : difference);
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    dot += a * b;
    wantedSquares += a * a;
    gotSquares += b * b;
  }
  const norms = Math.sqrt(wantedSquares) * Math.sqrt(gotSquares);
  return {
    maxAbsolute,
    maxRelative: maxAbsolute === 0 ? 0 : maxAbsolute / largest,
    cosine: norms === 0 ? (wantedSquares === gotSquares ? 1 : 0) : dot / norms,
    maxUlp: maxUlp(reference, tensor),
    tolerance,
  };
}

/** Values as numbers; whole numbers beyond 2^53 lose their last bits. */
export function numbersOf({ type, data }: HostTensor): ArrayLike<number> {
  if (type === "f16") {
    const table = halfTable();
    return Float32Array.from(data as Uint16Array, (bits) => table[bits]!);
  }
  if (type === "bf16") return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => bits << 16).buffer);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data as Iterable<bigint>, Number);
  return data as ArrayLike<number>;
}

export function isEqualBits(left: HostTensor, right: HostTensor): boolean {
  if (left.type !== right.type || left.dims.join() !== right.dims.join()) return false;
  const [a, b] = [left, right].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return a!.every((byte, i) => byte === b![i]);
}

/** Distance of f32 values counted in floats between them; Infinity where one is no number. */
function maxUlp(reference: HostTensor, tensor: HostTensor): number | undefined {
  if (!(reference.data instanceof Float32Array) || !(tensor.data instanceof Float32Array)) return undefined;
  const [a, b] = [ordered(reference.data), ordered(tensor.data)];
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const bothNaN = Number.isNaN(reference.data[i]!) && Number.isNaN(tensor.data[i]!);
    const oneNaN = Number.isNaN(reference.data[i]!) !== Number.isNaN(tensor.data[i]!);
    if (!bothNaN) most = Math.max(most, oneNaN ? Infinity : Math.abs(a[i]! - b[i]!));
  }
  return most;
}

/** Bits of floats as whole numbers in the order of their values. */
function ordered(values: Float32Array): Float64Array {
  const bits = new Int32Array(values.slice().buffer);
  return Float64Array.from(bits, (each) => (each < 0 ? -(each & 0x7fffffff) : each));
}
