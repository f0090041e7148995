import type { DataType } from "../../graph/ir/graph.ts";

/** Elements of a tensor in the host's memory; `f16` and `bf16` are their bits in a Uint16Array, `bool` is 0 or 1 in a Uint8Array. */
export type TensorArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Element types tensors of a run may have. */
export type TensorType = Extract<
  DataType,
  "f64" | "f32" | "f16" | "bf16" | "i64" | "u64" | "i32" | "u32" | "i16" | "u16" | "i8" | "u8" | "bool"
>;

/** A dense tensor in row-major order in the host's memory. */
export interface HostTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: TensorArray;
}
