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
