import { constantOf, type Expression } from "../../ir/expression.ts";
import { broadcast, broadcastPlaces } from "../broadcast.ts";
import { type Fact, factOf } from "../fact.ts";
import { turnedValue } from "../picked-value.ts";
import { axesOf, type Call, integer, integers, type Rule } from "../rule.ts";
import { ONE, productOf, quotientOf } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";

export const identity: Rule = ({ inputs: [x] }) => [x];

/** A constant list of axes or sizes: an attribute in older operator sets, an input in newer ones. */
export function listOf(call: Call, attribute: string, input: number): readonly number[] | undefined {
  const given = integers(call, attribute);
  if (given !== undefined) return given;
  const values = call.inputs[input]?.value?.map((value) => value && constantOf(value));
  return values?.every((value) => value !== undefined) ? (values as readonly number[]) : undefined;
}

/** 0 keeps a size, -1 takes what is left. Source: ONNX operator spec, Reshape. */
export const reshape: Rule = (call) => {
  const [x, target] = call.inputs;
  const shape = x && target && reshaped(call, x, target);
  return [x && { type: x.type, shape, value: shape && x.value, fill: x.fill }];
};

function reshaped(call: Call, x: Fact, target: Fact): readonly Expression[] | undefined {
  const rank = target.shape?.[0] && constantOf(target.shape[0]);
  const wanted = target.value ?? (rank === undefined || rank > 64 ? undefined : new Array<undefined>(rank).fill(undefined));
  if (wanted === undefined || target.shape?.length !== 1) return undefined;
  const keepsZero = integer(call, "allowzero", 0) !== 0;
  const sizes = wanted.map((size, axis) => (size !== undefined && constantOf(size) === 0 && !keepsZero ? x.shape?.[axis] : size));
  const isRest = (size: Expression | undefined): boolean => size !== undefined && constantOf(size) === -1;
  const open = sizes.filter((size) => size === undefined || isRest(size)).length;
  return sizes.map((size) => {
    if (size !== undefined && !isRest(size)) return size;
    const others = sizes.filter((each) => each !== undefined && !isRest(each)) as readonly Expression[];
    return (open === 1 && x.shape && quotientOf(x.shape, others)) || call.fresh("reshaped");
  });
}

/** Source: ONNX operator spec, Flatten. */
export const flatten: Rule = (call) => {
  const [x] = call.inputs;
  const given = integer(call, "axis", 1);
  const rank = x?.shape?.length ?? 0;
  const axis = given < 0 ? given + rank : given;
  if (x?.shape === undefined || axis < 0 || axis > rank) return [factOf(typeOf([x]), undefined)];
  const side = (sizes: readonly Expression[]): Expression => productOf(sizes) ?? call.fresh("flattened");
  return [factOf(x.type, [side(x.shape.slice(0, axis)), side(x.shape.slice(axis))])];
};

/** Source: ONNX operator spec, Squeeze; without axes every size known to be 1 goes. */
export const squeeze: Rule = (call) => {
  const [x] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const listed = listOf(call, "axes", 1);
  const isGiven = listed !== undefined || call.inputs[1] !== undefined;
  const axes = isGiven ? listed && axesOf(listed, x.shape.length) : onesOf(x.shape);
  const shape = axes && x.shape.filter((_, axis) => !axes.includes(axis));
  return [{ type: x.type, shape, value: shape && x.value, fill: x.fill }];
};

/** Axes of size 1; undefined where a size may or may not be 1. */
function onesOf(shape: readonly Expression[]): readonly number[] | undefined {
  const sizes = shape.map(constantOf);
  if (sizes.includes(undefined)) return undefined;
  return sizes.flatMap((size, axis) => (size === 1 ? [axis] : []));
}

/** Source: ONNX operator spec, Unsqueeze. */
export const unsqueeze: Rule = (call) => {
  const [x] = call.inputs;
  const listed = listOf(call, "axes", 1);
  if (x?.shape === undefined || listed === undefined) return [factOf(typeOf([x]), undefined)];
  const axes = axesOf(listed, x.shape.length + listed.length);
  if (axes === undefined) return [factOf(x.type, undefined)];
  const rest = [...x.shape];
  const shape = Array.from({ length: x.shape.length + axes.length }, (_, axis) => (axes.includes(axis) ? ONE : rest.shift()!));
  return [{ type: x.type, shape, value: x.value, fill: x.fill }];
};

/** Source: ONNX operator spec, Transpose; without a permutation the axes turn round. */
export const transpose: Rule = (call) => {
  const [x] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const order = integers(call, "perm") ?? x.shape.map((_, axis) => x.shape!.length - 1 - axis);
  const axes = order.length === x.shape.length ? axesOf(order, x.shape.length) : undefined;
  return [{ type: x.type, shape: axes?.map((axis) => x.shape![axis]!), value: axes && turnedValue(x, axes), fill: x.fill }];
};

/** Broadcasting to the sizes of the second input. Source: ONNX operator spec, Expand. */
export const expand: Rule = (call) => {
  const [x, target] = call.inputs;
  const type = typeOf([x]);
  const sizes = target?.value?.map((size, axis) => size ?? (x?.shape === undefined ? undefined : call.fresh(`expanded_${axis}`)));
  if (x?.shape === undefined || sizes === undefined || sizes.includes(undefined)) return [{ type, shape: undefined, fill: x?.fill }];
  const shape = broadcast([x.shape, sizes as readonly Expression[]]);
  const places = x.value && shape && broadcastPlaces([x.shape], shape);
  return [{ type, shape, value: places?.map(([place]) => x.value![place!]), fill: x.fill }];
};

/** Source: ONNX operator spec, DepthToSpace and SpaceToDepth. Shapes: [N, C, H, W]. */
export const depthAndSpace: Rule = (call) => {
  const [x] = call.inputs;
  const block = integer(call, "blocksize", 0);
  if (x?.shape?.length !== 4 || block < 1) return [factOf(typeOf([x]), undefined)];
  const [n, c, h, w] = x.shape as readonly [Expression, Expression, Expression, Expression];
  return [factOf(x.type, resized(call.type === "DepthToSpace", { n, c, h, w }, block))];
};

function resized(
  outwards: boolean,
  { n, c, h, w }: Record<"n" | "c" | "h" | "w", Expression>,
  block: number,
): readonly Expression[] | undefined {
  const side = { terms: [{ coefficient: block, factors: [] }] };
  const less = (size: Expression, ...by: Expression[]): Expression => quotientOf([size], by) ?? size;
  const more = (size: Expression, ...by: Expression[]): Expression => productOf([size, ...by]) ?? size;
  if (outwards) return [n, less(c, side, side), more(h, side), more(w, side)];
  return [n, more(c, side, side), less(h, side), less(w, side)];
}
