import type { DataType } from "../ir/graph.ts";

/** Element types by ONNX's number, as the attribute `to` of Cast gives them. Source: onnx.proto, TensorProto.DataType. */
const TYPES_BY_NUMBER: readonly DataType[] = [
  "unknown",
  "f32",
  "u8",
  "i8",
  "u16",
  "i16",
  "i32",
  "i64",
  "string",
  "bool",
  "f16",
  "f64",
  "u32",
  "u64",
  "complex64",
  "unknown",
  "bf16",
  "f8e4m3",
  "f8e4m3",
  "f8e5m2",
  "f8e5m2",
  "u4",
  "i4",
  "f4e2m1",
];

export function typeOfNumber(number: number): DataType {
  return TYPES_BY_NUMBER[number] ?? "unknown";
}

/** ONNX's number of a type; of two (8-bit floats with and without infinities) the first. */
export function numberOfType(type: DataType): number {
  return TYPES_BY_NUMBER.indexOf(type);
}

/** ONNX's names of the element types that tensors of a run may have; ONNX Runtime's packages use the same. */
export const ONNX_NAMES = {
  f64: "float64",
  f32: "float32",
  f16: "float16",
  bf16: "bfloat16",
  i64: "int64",
  u64: "uint64",
  i32: "int32",
  u32: "uint32",
  i16: "int16",
  u16: "uint16",
  i8: "int8",
  u8: "uint8",
  bool: "bool",
} as const satisfies Partial<Record<DataType, string>>;
