import type { TensorType } from "../../device/tensor.ts";

/** Codes of `ov_element_type_e`, aligned with element_type.hpp, of the types heddle hands over. Source: openvino/c/ov_common.h, 2026.4. */
export const CODES = { bool: 1, bf16: 2, f16: 3, f32: 4, i8: 7, i32: 9, i64: 10, u8: 16 } as const satisfies Partial<
  Record<TensorType, number>
>;

const OF_CODE = new Map(Object.entries(CODES).map(([type, code]) => [code as number, type as TensorType]));
const OF_FEED = { float32: CODES.f32, int64: CODES.i64, int32: CODES.i32 } as const;

/**
 * Types of tensors that enter and leave stages. The CPU plugin computes f64 in f32 and wide or unsigned integers in i32: what would lose digits
 * unasked is refused. i64 stays, as shapes and indices have that type; values beyond 32 bits are cut off.
 */
export const OPENVINO_TYPES: ReadonlySet<TensorType> = new Set(OF_CODE.values());

export function codeOfFeed(type: keyof typeof OF_FEED): number {
  return OF_FEED[type];
}

export function codeOfType(type: TensorType): number | undefined {
  return (CODES as Readonly<Record<string, number>>)[type];
}

export function typeOfCode(code: number): TensorType | undefined {
  return OF_CODE.get(code);
}
