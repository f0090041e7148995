import type { OnnxBuilder, Value } from "../onnx/builder.ts";
import { int64Constant } from "./constants.ts";

/** Opset since which ReduceMax takes its axes as an input. Source: ONNX's operator changelog. */
const AXES_AS_INPUT = 18;

/** The largest value over an axis, which stays with size 1 or goes. */
export function greatestOver(builder: OnnxBuilder, x: Value, axis: number, keepdims: 0 | 1): Value {
  return builder.opset < AXES_AS_INPUT
    ? builder.node("ReduceMax", [x], { attributes: { axes: [axis], keepdims } })
    : builder.node("ReduceMax", [x, int64Constant(builder, [axis])], { attributes: { keepdims } });
}
