import { add, ceilDivide, constant, constantOf, type Expression, floorDivide, multiply, subtract } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { type AtenCall, type AtenRule, each, perAxis, type RuleTable, type Shape } from "./call.ts";

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** Errors: the call fails for a window of nothing. Undefined where a size of it is a symbol. */
function checked(call: AtenCall, window: Window): Window | undefined {
  if (Object.values(window).some((list) => list.includes(Number.NaN))) return undefined;
  for (const value of [...window.kernel, ...window.stride, ...window.dilation]) if (!(value >= 1)) call.fail(`a window of ${value}`);
  return window;
}

/** floor((in + 2·padding − dilation·(kernel − 1) − 1) / stride) + 1; rounded up, undefined where the size is a symbol. Source: PyTorch documentation, torch.nn.Conv2d and MaxPool2d. */
function slide(size: Expression, window: Window, axis: number, ceil: boolean): Expression | undefined {
  const [kernel, stride, padding, dilation] = [window.kernel, window.stride, window.padding, window.dilation].map(
    (list) => list[axis]!,
  ) as [number, number, number, number];
  const room = add(size, constant(2 * padding - dilation * (kernel - 1) - 1));
  if (!ceil) return add(floorDivide(room, constant(stride)), constant(1));
  const [places, length] = [constantOf(add(ceilDivide(room, constant(stride)), constant(1))), constantOf(size)];
  if (places === undefined || length === undefined) return undefined;
  // A window that begins behind the image and its front padding is left out.
  return constant((places - 1) * stride >= length + padding ? places - 1 : places);
}

/** (in − 1)·stride − 2·padding + dilation·(kernel − 1) + outputPadding + 1. Source: PyTorch documentation, torch.nn.ConvTranspose2d. */
function spread(size: Expression, window: Window, axis: number, outputPadding: number): Expression {
  const reach = window.dilation[axis]! * (window.kernel[axis]! - 1) + outputPadding + 1 - 2 * window.padding[axis]!;
  return add(multiply(subtract(size, constant(1)), constant(window.stride[axis]!)), constant(reach));
}

/** Shapes: [N, C, spatial...] × [M, C / groups, kernel...] → [N, M, places...]; the batch may be missing. Turned: weights [C, M / groups, kernel...]. */
const convolution: AtenRule = (call) => {
  const [input, weight] = [call.fact("input"), call.fact("weight")];
  const type = input?.type ?? "unknown";
  if (input?.shape === undefined || weight?.shape === undefined) return [factOf(type, undefined)];
  const axes = weight.shape.length - 2;
  if (axes < 1 || input.shape.length < axes + 1 || input.shape.length > axes + 2) call.fail("input and weights differ in dimensions");
  const kernel = weight.shape.slice(2).map((size) => constantOf(size) ?? Number.NaN);
  const groups = call.number("groups", 1);
  if (!(groups >= 1)) call.fail(`${groups} groups`);
  const turned = call.type.includes("transpose") || call.flag("transposed", false);
  const [lead, channels, spatial] = [input.shape.slice(0, -axes - 1), input.shape.at(-axes - 1)!, input.shape.slice(-axes)];
  call.same(channels, turned ? weight.shape[0] : multiply(weight.shape[1]!, constant(groups)), "channels of input and weights");
  const isSame = call.text("padding") === "same";
  const window = checked(call, {
    kernel,
    stride: perAxis(call, "stride", axes, 1),
    padding: call.text("padding") === undefined ? perAxis(call, "padding", axes, 0) : new Array<number>(axes).fill(0),
    dilation: perAxis(call, "dilation", axes, 1),
  });
  if (window === undefined) return [factOf(type, undefined)];
  const outputPadding = perAxis(call, "output_padding", axes, 0);
  if (outputPadding.includes(Number.NaN)) return [factOf(type, undefined)];
  const places = spatial.map((size, axis) =>
    isSame ? size : turned ? spread(size, window, axis, outputPadding[axis]!) : slide(size, window, axis, false)!,
  );
  return [factOf(type, [...lead, turned ? multiply(weight.shape[1]!, constant(groups)) : weight.shape[0]!, ...places])];
};

function pooled(call: AtenCall, x: Fact, axes: number): Shape | undefined {
  if (x.shape!.length < axes + 1 || x.shape!.length > axes + 2) call.fail(`an image of ${x.shape!.length} dimensions`);
  const kernel = perAxis(call, "kernel_size", axes, 1);
  const strides = call.numbers("stride")?.length === 0 ? kernel : call.has("stride") ? perAxis(call, "stride", axes, 1) : kernel;
  const window = checked(call, {
    kernel,
    stride: strides,
    padding: perAxis(call, "padding", axes, 0),
    dilation: perAxis(call, "dilation", axes, 1),
  });
  if (window === undefined) return undefined;
  return [
    ...x.shape!.slice(0, -axes),
    ...x.shape!.slice(-axes).map((size, axis) => slide(size, window, axis, call.flag("ceil_mode", false)) ?? call.fresh("windows")),
  ];
}

function pool(axes: number): AtenRule {
  return (call) => {
    const x = call.first;
    const shape = x?.shape && pooled(call, x, axes);
    return [factOf(x?.type ?? "unknown", shape), factOf("i64", shape)];
  };
}

function adaptivePool(axes: number): AtenRule {
  return (call) => {
    const sizes = call.sizes("output_size");
    const one = call.size("output_size");
    const places =
      sizes?.length === axes
        ? sizes
        : one === undefined
          ? sizes?.length === 1
            ? new Array<Expression>(axes).fill(sizes[0]!)
            : undefined
          : new Array<Expression>(axes).fill(one);
    if (places === undefined && sizes !== undefined) call.fail("sizes for another number of dimensions");
    const shape = call.first?.shape && places && [...call.first.shape.slice(0, -axes), ...places];
    return [factOf(call.first?.type ?? "unknown", shape), factOf("i64", shape)];
  };
}

/** Sizes are given, or factors that scale them. */
function upsample(axes: number): AtenRule {
  return (call) => {
    const x = call.first;
    if (x?.shape === undefined) return [factOf(x?.type ?? "unknown", undefined)];
    if (x.shape.length !== axes + 2) call.fail(`an image of ${x.shape.length} dimensions`);
    const given = call.has("output_size") ? call.sizes("output_size") : undefined;
    const factors = call.floats("scale_factors");
    const places = x.shape.slice(2).map((size, axis) => {
      const factor = factors?.[axis];
      return (
        given?.[axis] ??
        (factor !== undefined && Number.isInteger(factor) && factor >= 1 ? multiply(size, constant(factor)) : scaled(call, size, factor))
      );
    });
    return [factOf(x.type, [x.shape[0]!, x.shape[1]!, ...places])];
  };
}

function scaled(call: AtenCall, size: Expression, factor: number | undefined): Expression {
  const known = constantOf(size);
  const places = known === undefined || factor === undefined ? Number.NaN : Math.floor(known * factor);
  return Number.isSafeInteger(places) ? constant(places) : call.fresh("resized");
}

export const CONVOLUTION: RuleTable = {
  ...each("conv1d conv2d conv3d convolution _convolution conv_transpose1d conv_transpose2d conv_transpose3d", convolution),
  ...each("max_pool1d avg_pool1d max_pool1d_with_indices", pool(1)),
  ...each("max_pool2d avg_pool2d max_pool2d_with_indices", pool(2)),
  ...each("max_pool3d avg_pool3d max_pool3d_with_indices", pool(3)),
  ...each("adaptive_avg_pool1d adaptive_max_pool1d", adaptivePool(1)),
  ...each("adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d", adaptivePool(2)),
  ...each("adaptive_avg_pool3d _adaptive_avg_pool3d adaptive_max_pool3d", adaptivePool(3)),
  ...each("upsample_nearest1d upsample_linear1d", upsample(1)),
  ...each("upsample_nearest2d upsample_bilinear2d upsample_bicubic2d _upsample_nearest_exact2d _upsample_bilinear2d_aa", upsample(2)),
  ...each("upsample_nearest3d upsample_trilinear3d", upsample(3)),
};
