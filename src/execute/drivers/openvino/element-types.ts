import type { TensorData } from "../shared/onnx-session.ts";

/** Codes of `ov_element_type_e`, which is aligned with element_type.hpp. Source: openvino/c/ov_common.h, 2026.4. */
export const ELEMENT_CODES = {
  bool: 1,
  bf16: 2,
  f16: 3,
  f32: 4,
  f64: 5,
  i8: 7,
  i16: 8,
  i32: 9,
  i64: 10,
  u8: 16,
  u16: 17,
  u32: 18,
  u64: 19,
} as const;
export type ElementName = keyof typeof ELEMENT_CODES;

const BY_FEED = { float32: ELEMENT_CODES.f32, int64: ELEMENT_CODES.i64, int32: ELEMENT_CODES.i32 } as const;

export function codeOfFeed(type: "float32" | "int64" | "int32"): number {
  return BY_FEED[type];
}

export type { TensorData };
