import type { TensorArray, TensorType } from "./tensor.ts";

/** A typed array's constructor, as far as tensors need it. */
export interface ArrayType {
  new (length: number): TensorArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TensorArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** Array that holds each element type, as `HostTensor` says. */
export const ARRAYS: Readonly<Record<TensorType, ArrayType>> = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
};

/** Whether tensors of a run may have the type. */
export function isTensorType(type: string): type is TensorType {
  return Object.hasOwn(ARRAYS, type);
}
