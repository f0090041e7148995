import { bytesOfArray, type OnnxBuilder, type Value } from "../onnx/builder.ts";

/** A vector of ones, [size]. */
export function onesConstant(builder: OnnxBuilder, size: number): Value {
  return builder.constant("float32", [size], bytesOfArray(new Float32Array(size).fill(1)));
}

/** A vector of integers, as operators take shapes, axes and sizes. */
export function int64Constant(builder: OnnxBuilder, values: readonly number[]): Value {
  return builder.constant("int64", [values.length], bytesOfArray(BigInt64Array.from(values, BigInt)));
}

/** One number with as many axes as `dims` names. */
export function floatConstant(builder: OnnxBuilder, dims: readonly number[], value: number): Value {
  return builder.constant("float32", dims, bytesOfArray(Float32Array.of(value)));
}
