import { constant, constantOf, type Expression, multiply } from "../../ir/expression.ts";
import type { DataType } from "../../ir/graph.ts";
import { factOf } from "../fact.ts";
import { type Call, integers, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";
import { groupsOf, slide, spread, type Window, windowOf } from "./windows.ts";

type Shape = readonly Expression[];

/**
 * Convolution with the weights at `weightAt`. Shapes: [N, C, spatial...] × [M, C / group, kernel...] → [N, M, places...].
 *
 * Source: ONNX operator spec, Conv, ConvInteger, QLinearConv.
 */
export function convolution(weightAt: number, type?: DataType): Rule {
  return (call) => {
    const x = call.inputs[0]?.shape;
    const weight = call.inputs[weightAt]?.shape;
    const out = type ?? (call.type === "QLinearConv" ? typeOf([call.inputs[7]]) : typeOf([call.inputs[0]]));
    const window = x && weight && windowFrom(call, x, weight);
    if (window === undefined) return [factOf(out, undefined)];
    return [factOf(out, [x![0]!, weight![0]!, ...x!.slice(2).map((size, axis) => slide(size, window, axis))])];
  };
}

/** Source: ONNX operator spec, ConvTranspose. */
export const transposedConvolution: Rule = (call) => {
  const [image, filter] = call.inputs;
  const [x, weight] = [image?.shape, filter?.shape];
  const window = x && weight && windowFrom(call, x, weight);
  if (window === undefined) return [factOf(typeOf([image]), undefined)];
  const channels = multiply(weight![1]!, constant(groupsOf(call)));
  const given = integers(call, "output_shape");
  const padding = integers(call, "output_padding") ?? [];
  const spatial = x!.slice(2).map((size, axis) => {
    const fixed = given?.slice(-window.kernel.length)[axis];
    return fixed === undefined ? spread(size, window, axis, padding[axis] ?? 0) : constant(fixed);
  });
  return [factOf(typeOf([image]), [x![0]!, channels, ...spatial])];
};

function windowFrom(call: Call, x: Shape, weight: Shape): Window | undefined {
  if (x.length < 3 || weight.length !== x.length) return undefined;
  const kernel = integers(call, "kernel_shape") ?? weight.slice(2).map((size) => constantOf(size) ?? 0);
  return kernel.length === x.length - 2 ? windowOf(call, kernel) : undefined;
}
