import { add, constant, constantOf, type Expression, floorDivide, multiply } from "../../ir/expression.ts";
import { factOf } from "../fact.ts";
import { axesOf } from "../rule.ts";
import { ONE, productOf, quotientOf } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, axisIn, each, type RuleTable, replaced, type Shape } from "./call.ts";

/** A rule over the first tensor's shape; the type stays. */
function onShape(rule: (call: AtenCall, shape: Shape) => Shape): AtenRule {
  return (call) => [call.first && factOf(call.first.type, call.first.shape && rule(call, call.first.shape))];
}

function sizesOf(call: AtenCall, ...names: readonly string[]): readonly Expression[] {
  for (const name of names) {
    const sizes = call.sizes(name);
    if (sizes !== undefined) return sizes;
  }
  return call.fail("no sizes are given");
}

function isMinusOne(size: Expression): boolean {
  return constantOf(size) === -1;
}

/** As many elements as before; -1 takes what is left. */
const sized = onShape((call, shape) => reshaped(call, shape, sizesOf(call, "size", "shape")));

/** The same bytes as elements of another type have another last size. */
const view: AtenRule = (call) => (call.overload === "dtype" ? [factOf(call.dataType("dtype") ?? "unknown", undefined)] : sized(call));

function reshaped(call: AtenCall, shape: Shape, sizes: readonly Expression[]): Shape {
  const open = sizes.filter(isMinusOne).length;
  if (open > 1) call.fail("two sizes are left open");
  if (open === 0) {
    const [before, after] = [productOf(shape), productOf(sizes)];
    if (before !== undefined && after !== undefined) call.same(before, after, "elements before and after");
    return sizes;
  }
  const others = sizes.filter((size) => !isMinusOne(size));
  const rest = quotientOf(shape, others) ?? call.fresh("viewed");
  if (!rest.terms.some(({ factors }) => factors.some(({ type }) => type !== "symbol"))) {
    const [before, after] = [productOf(shape), productOf([...others, rest])];
    if (before !== undefined && after !== undefined) call.same(before, after, "elements before and after");
  }
  return sizes.map((size) => (isMinusOne(size) ? rest : size));
}

const flatten = onShape((call, shape) => {
  if (shape.length === 0) return [ONE];
  const [from, to] = [axisIn(call, shape, call.number("start_dim", 0)), axisIn(call, shape, call.number("end_dim", -1))];
  if (to < from) call.fail("it ends before it starts");
  return [...shape.slice(0, from), productOf(shape.slice(from, to + 1)) ?? call.fresh("flattened"), ...shape.slice(to + 1)];
});

const unflatten = onShape((call, shape) => {
  const axis = axisIn(call, shape, call.number("dim", 0));
  return [...shape.slice(0, axis), ...reshaped(call, [shape[axis] ?? ONE], sizesOf(call, "sizes")), ...shape.slice(axis + 1)];
});

/** Axes of another size than 1 stay where they are named. */
const squeeze = onShape((call, shape) => {
  const named = call.numbers("dim") ?? (call.has("dim") ? [call.number("dim", 0)] : undefined);
  const axes = named?.map((axis) => axisIn(call, shape, axis));
  return shape.filter((size, axis) => constantOf(size) !== 1 || (axes !== undefined && !axes.includes(axis)));
});

const unsqueeze = onShape((call, shape) => {
  const axis = axisIn(call, [...shape, ONE], call.number("dim", 0));
  return [...shape.slice(0, axis), ONE, ...shape.slice(axis)];
});

const permute = onShape((call, shape) => {
  const order = call.numbers("dims") ?? call.fail("no order is given");
  const axes = order.length === shape.length ? axesOf(order, shape.length) : undefined;
  return (axes ?? call.fail(`[${order.slice(0, 8).join(", ")}] is no order of ${shape.length} dimensions`)).map((axis) => shape[axis]!);
});

const swap = onShape((call, shape) => {
  if (shape.length === 0) return shape;
  const name = call.has("axis0") ? "axis" : "dim";
  const [a, b] = [axisIn(call, shape, call.number(`${name}0`, 0)), axisIn(call, shape, call.number(`${name}1`, 1))];
  return replaced(replaced(shape, a, shape[b]!), b, shape[a]!);
});

const turned = onShape((call, shape) => {
  if (shape.length > 2) call.fail(`${shape.length} dimensions`);
  return [...shape].reverse();
});

const lastTurned = onShape((call, shape) => {
  if (shape.length < 2) call.fail(`${shape.length} dimensions`);
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
});

const movedim = onShape((call, shape) => {
  const list = (name: string): readonly number[] => call.numbers(name) ?? [call.number(name, 0)];
  const from = axesOf(list("source"), shape.length) ?? call.fail("no such dimensions");
  const to = axesOf(list("destination"), shape.length) ?? call.fail("no such dimensions");
  if (from.length !== to.length) call.fail("lists of different length");
  const rest = shape.filter((_, axis) => !from.includes(axis));
  return shape.map((_, axis) => (to.includes(axis) ? shape[from[to.indexOf(axis)]!]! : rest.shift()!));
});

/** -1 keeps a size; other sizes than the tensor's own stand where it has 1. */
const expand = onShape((call, shape) => {
  const sizes = sizesOf(call, "size");
  const added = sizes.length - shape.length;
  if (added < 0) call.fail("fewer dimensions than before");
  return sizes.map((size, axis) => {
    const own = shape[axis - added];
    if (isMinusOne(size)) return own ?? call.fail("a new dimension without a size");
    if (own !== undefined && constantOf(own) !== undefined && constantOf(own) !== 1) call.same(own, size, "expanded sizes");
    return size;
  });
});

const likeOther: AtenRule = (call) => [call.first && factOf(call.first.type, call.fact("other")?.shape)];

/** Sizes times repeats, aligned at the last axis. */
const repeat = onShape((call, shape) => {
  const repeats = call.type === "tile" ? sizesOf(call, "dims") : sizesOf(call, "repeats");
  const rank = Math.max(shape.length, repeats.length);
  if (call.type === "repeat" && repeats.length < shape.length) call.fail("fewer repeats than dimensions");
  const at = (list: readonly Expression[], axis: number): Expression => list[axis - rank + list.length] ?? ONE;
  return Array.from({ length: rank }, (_, axis) => productOf([at(shape, axis), at(repeats, axis)]) ?? call.fresh("repeated"));
});

const repeatInterleave: AtenRule = (call) => {
  const x = call.fact("self");
  const repeats = call.size("repeats");
  if (x === undefined || repeats === undefined) return [x && factOf(x.type, undefined)];
  if (x.shape === undefined) return [factOf(x.type, undefined)];
  if (!call.has("dim")) return [factOf(x.type, [productOf([...x.shape, repeats]) ?? call.fresh("repeated")])];
  const axis = axisIn(call, x.shape, call.number("dim", 0));
  return [factOf(x.type, replaced(x.shape, axis, multiply(x.shape[axis] ?? ONE, repeats)))];
};

/** Pairs of widths before and after, from the last axis on. */
const pad = onShape((call, shape) => {
  const widths = sizesOf(call, "pad", "padding");
  if (widths.length % 2 !== 0 || widths.length > 2 * shape.length) call.fail(`${widths.length} widths for ${shape.length} dimensions`);
  return shape.map((size, axis) => {
    const at = 2 * (shape.length - 1 - axis);
    const [before, after] = [widths[at], widths[at + 1]];
    return before === undefined || after === undefined ? size : add(size, before, after);
  });
});

/** Sizes, strides and offset are given outright. */
const strided: AtenRule = (call) => [call.first && factOf(call.first.type, call.sizes("size"))];

const unfold = onShape((call, shape) => {
  const axis = axisIn(call, shape, call.number("dimension", 0));
  const [size, step] = [call.number("size", 0), call.number("step", 1)];
  if (!(step >= 1) || !(size >= 0)) call.fail(`windows of ${size} in steps of ${step}`);
  return [...replaced(shape, axis, add(floorDivide(add(shape[axis] ?? ONE, constant(-size)), constant(step)), ONE)), constant(size)];
});

export const RESHAPING: RuleTable = {
  ...each("view reshape _unsafe_view view_copy", view),
  flatten,
  unflatten,
  ...each("squeeze squeeze_copy", squeeze),
  ...each("unsqueeze unsqueeze_copy", unsqueeze),
  ...each("permute permute_copy", permute),
  ...each("transpose swapaxes swapdims transpose_copy", swap),
  ...each("t numpy_T t_copy", turned),
  ...each("mT adjoint matrix_H", lastTurned),
  movedim,
  ...each("expand broadcast_to expand_copy", expand),
  ...each("expand_as view_as reshape_as", likeOther),
  ...each("repeat tile", repeat),
  repeat_interleave: repeatInterleave,
  ...each("pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d", pad),
  ...each("as_strided as_strided_copy", strided),
  unfold,
};
