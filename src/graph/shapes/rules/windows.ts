import { add, ceilDivide, constant, constantOf, type Expression, floorDivide, multiply, subtract } from "../../ir/expression.ts";
import { type Call, integer, integers, text } from "../rule.ts";

/** A window that slides over the spatial axes of an image: of a convolution or a pooling. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all axes, then ends. */
  readonly pads: readonly number[];
  readonly autoPad: string;
}

/** The window that attributes describe; undefined where a list has not one entry an axis or holds no usable number. */
export function windowOf(call: Call, kernel: readonly number[]): Window | undefined {
  const axes = kernel.length;
  const strides = integers(call, "strides") ?? kernel.map(() => 1);
  const dilations = integers(call, "dilations") ?? kernel.map(() => 1);
  const pads = integers(call, "pads") ?? [...kernel, ...kernel].map(() => 0);
  if (strides.length !== axes || dilations.length !== axes || pads.length !== 2 * axes) return undefined;
  if (![...kernel, ...strides, ...dilations].every((each) => each > 0)) return undefined;
  return { kernel, strides, dilations, pads, autoPad: text(call, "auto_pad", "NOTSET") };
}

/**
 * Places of the window along an axis.
 *
 * Model: floor((in + pads − ((k − 1)·dilation + 1)) / stride) + 1; `SAME_*` gives ceil(in / stride). Where `ceil`, the division rounds up, but a
 * window that would begin in the padding behind the image is left out, as ONNX Runtime does. Source: ONNX operator spec, Conv and MaxPool.
 */
export function slide(size: Expression, window: Window, axis: number, ceil = false): Expression {
  const stride = window.strides[axis]!;
  if (window.autoPad.startsWith("SAME")) return ceilDivide(size, constant(stride));
  const reach = (window.kernel[axis]! - 1) * window.dilations[axis]! + 1;
  const [before, after] = window.autoPad === "VALID" ? [0, 0] : [window.pads[axis]!, window.pads[axis + window.kernel.length]!];
  const room = add(size, constant(before + after - reach));
  if (!ceil) return add(floorDivide(room, constant(stride)), constant(1));
  const places = add(ceilDivide(room, constant(stride)), constant(1));
  const [known, length] = [constantOf(places), constantOf(size)];
  if (known === undefined || length === undefined) return places;
  return (known - 1) * stride >= length + before ? constant(known - 1) : places;
}

/** Size that a transposed convolution spreads an axis to. Source: ONNX operator spec, ConvTranspose. */
export function spread(size: Expression, window: Window, axis: number, outputPadding: number): Expression {
  const stride = window.strides[axis]!;
  if (window.autoPad.startsWith("SAME")) return multiply(size, constant(stride));
  const reach = (window.kernel[axis]! - 1) * window.dilations[axis]! + 1;
  const padded = window.autoPad === "VALID" ? 0 : window.pads[axis]! + window.pads[axis + window.kernel.length]!;
  return add(multiply(constant(stride), subtract(size, constant(1))), constant(outputPadding + reach - padded));
}

export function groupsOf(call: Call): number {
  return Math.max(1, integer(call, "group", 1));
}
