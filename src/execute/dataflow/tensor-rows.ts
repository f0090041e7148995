import type { Bytes } from "../../base/units.ts";
import { ARRAYS } from "../device/array-types.ts";
import type { HostTensor, TensorArray, TensorType } from "../device/tensor.ts";
import type { RowRange } from "../seat/seat-types.ts";

/** Bytes of one element as a host tensor holds it. */
const ELEMENT_BYTES: Readonly<Record<TensorType, Bytes>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  u64: 8,
  i32: 4,
  u32: 4,
  i16: 2,
  u16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

export function elementBytes(type: TensorType): Bytes {
  return ELEMENT_BYTES[type];
}

/** Bytes of a tensor's elements, without room to grow. */
export function tensorBytes({ type, dims }: Pick<HostTensor, "type" | "dims">): Bytes {
  return dims.reduce((product, size) => product * size, ELEMENT_BYTES[type]);
}

/** Rows of a tensor along its first axis, as a view. */
export function rowsOf(tensor: HostTensor, { from, to }: RowRange): HostTensor {
  const [, ...row] = tensor.dims;
  const width = row.reduce((product, size) => product * size, 1);
  return { type: tensor.type, dims: [to - from, ...row], data: tensor.data.subarray(from * width, to * width) as TensorArray };
}

/** One tensor's rows behind another's; both have rows of one form. */
export function withRows(tensor: HostTensor, rows: HostTensor): HostTensor {
  const data = new (tensor.data.constructor as new (length: number) => Float32Array)(tensor.data.length + rows.data.length);
  data.set(tensor.data as Float32Array);
  data.set(rows.data as Float32Array, tensor.data.length);
  const [count = 0, ...row] = tensor.dims;
  return { type: tensor.type, dims: [count + (rows.dims[0] ?? 0), ...row], data };
}

/** A tensor of that form without rows. */
export function zeroRows({ type, dims }: Pick<HostTensor, "type" | "dims">): HostTensor {
  const [, ...row] = dims;
  return { type, dims: [0, ...row], data: new ARRAYS[type](0) };
}
