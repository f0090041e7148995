import type { DataType } from "../ir/graph.ts";

/** Element types by PyTorch's serialised number. Source: torch/_export/serde/schema.py, ScalarType (schema 8.20). */
const TYPES: Readonly<Record<number, DataType>> = {
  1: "u8",
  2: "i8",
  3: "i16",
  4: "i32",
  5: "i64",
  6: "f16",
  7: "f32",
  8: "f64",
  10: "complex64",
  12: "bool",
  13: "bf16",
  28: "u16",
  29: "f8e4m3",
  30: "f8e5m2",
  31: "f8e4m3",
  32: "f8e5m2",
  34: "u32",
  35: "u64",
};

export function typeOfScalar(number: number): DataType {
  return Object.hasOwn(TYPES, number) ? TYPES[number]! : "unknown";
}
