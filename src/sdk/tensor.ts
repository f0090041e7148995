import { HeddleError } from "../base/heddle-error.ts";
import { ARRAYS } from "../execute/device/array-types.ts";
import type { HostTensor, TensorArray, TensorType } from "../execute/device/tensor.ts";

/** Type of a typed array whose elements say it alone; 16-bit floats and truth values are named by the caller. */
const TYPES: readonly TensorType[] = ["f32", "f64", "i64", "u64", "i32", "u32", "i16", "u16", "i8", "u8"];

/**
 * A tensor of the host's memory from numbers: a typed array is used as it is, a plain one becomes f32, or the type named.
 *
 * `dims`: one axis when absent. Errors: `input-invalid` where sizes and elements differ, or the array is not of the type.
 */
export function tensor(data: TensorArray | readonly number[], dims?: readonly number[], type?: TensorType): HostTensor {
  const named = type ?? (Array.isArray(data) ? "f32" : TYPES.find((one) => data instanceof ARRAYS[one]));
  if (named === undefined || !(named in ARRAYS)) throw invalid(`no tensor has type ${String(named)}`);
  const array = Array.isArray(data) ? filled(data, named) : (data as TensorArray);
  if (!(array instanceof ARRAYS[named])) throw invalid(`${array.constructor.name} does not hold ${named}`);
  const sizes = dims ?? [array.length];
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) throw invalid(`[${sizes.join(", ")}] is no shape`);
  const elements = sizes.reduce((product, size) => product * size, 1);
  if (elements !== array.length) throw invalid(`${array.length} elements for [${sizes.join(", ")}], which holds ${elements}`);
  return { type: named, dims: sizes, data: array };
}

/** Zeros. */
export function zeros(type: TensorType, dims: readonly number[]): HostTensor {
  const elements = dims.reduce((product, size) => product * size, 1);
  return { type, dims, data: new ARRAYS[type](elements) };
}

/** Bytes of one element. */
export function elementBytes(type: TensorType): number {
  return ARRAYS[type].BYTES_PER_ELEMENT;
}

/** A tensor's bytes, without a copy. */
export function bytesOfTensor({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function filled(values: readonly number[], type: TensorType): TensorArray {
  if (type === "f16" || type === "bf16") throw invalid(`numbers are not rounded to ${type}: give their bits in a Uint16Array`);
  const array = new ARRAYS[type](values.length);
  for (let i = 0; i < values.length; i++)
    array[i] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(values[i]!) : values[i]!;
  return array;
}

function invalid(detail: string): HeddleError {
  return new HeddleError("input-invalid", { where: "tensor", detail });
}
