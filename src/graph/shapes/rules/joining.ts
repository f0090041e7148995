import { add, constant, constantOf, type Expression } from "../../ir/expression.ts";
import { type Fact, factOf, MAX_VALUE_ELEMENTS } from "../fact.ts";
import { axisOf, type Call, integer, integers, type Rule } from "../rule.ts";
import { isLong, productOf } from "../size-arithmetic.ts";
import { typeOf, uniform } from "./elementwise.ts";

/** Source: ONNX operator spec, Concat. */
export const concat: Rule = (call) => [joined(call, call.inputs)];

/** Output scale and zero point, then value, scale and zero point of each part. Source: ONNX Runtime contrib operators, QLinearConcat. */
export const quantisedConcat: Rule = (call) => [
  joined(
    call,
    call.inputs.slice(2).filter((_, at) => at % 3 === 0),
  ),
];

export function joined(call: Call, given: readonly (Fact | undefined)[]): Fact {
  const inputs = given.filter((input) => input !== undefined);
  const known = inputs.filter((input) => input.shape !== undefined);
  const type = typeOf(inputs);
  const rank = known[0]?.shape?.length ?? 0;
  const axis = axisOf(integer(call, "axis", 1), rank);
  if (axis === undefined || inputs.length === 0 || known.some(({ shape }) => shape!.length !== rank)) return factOf(type, undefined);
  const sum = known.length === inputs.length ? add(...known.map(({ shape }) => shape![axis]!)) : undefined;
  const length = sum === undefined || isLong(sum) ? call.fresh("joined") : sum;
  const shape = known[0]!.shape!.map((size, at) => (at === axis ? length : agreed(known, at, size)));
  const fills = inputs.map(uniform);
  const fill = fills.every((each) => each === fills[0]) ? fills[0] : undefined;
  return { type, shape, value: axis === 0 ? joinedValue(inputs) : undefined, fill };
}

/** Sizes beside the joined axis are equal; a constant says it best. */
function agreed(inputs: readonly Fact[], axis: number, otherwise: Expression): Expression {
  return inputs.map(({ shape }) => shape![axis]!).find((size) => constantOf(size) !== undefined) ?? otherwise;
}

/** Of lists of one dimension; a part of known length and unknown elements leaves holes. */
function joinedValue(inputs: readonly Fact[]): Fact["value"] {
  const parts = inputs.map(({ shape, value }) => {
    const length = shape?.length === 1 ? constantOf(shape[0]!) : undefined;
    return value ?? (length === undefined || length > MAX_VALUE_ELEMENTS ? undefined : new Array<undefined>(length).fill(undefined));
  });
  if (parts.includes(undefined)) return undefined;
  const value = parts.flatMap((part) => part!);
  return value.length <= MAX_VALUE_ELEMENTS && value.some((each) => each !== undefined) ? value : undefined;
}

/** Source: ONNX operator spec, Tile. */
export const tile: Rule = (call) => {
  const [x, repeats] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const shape = x.shape.map((size, axis) => {
    const times = repeats?.value?.[axis];
    return (times && productOf([size, times])) ?? call.fresh(`tiled_${axis}`);
  });
  return [{ type: x.type, shape, fill: x.fill }];
};

/** Begins of all axes, then ends. Source: ONNX operator spec, Pad: an attribute before operator set 11, inputs since (axes since 18). */
export const pad: Rule = (call) => {
  const [x] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const rank = x.shape.length;
  const pads = integers(call, "pads")?.map(constant) ?? call.inputs[1]?.value;
  const axes =
    call.inputs[3] === undefined ? x.shape.map((_, axis) => axis) : call.inputs[3].value?.map((axis) => axis && constantOf(axis));
  const shape = x.shape.map((size, axis) => {
    const at = axes?.findIndex((each) => each !== undefined && (each < 0 ? each + rank : each) === axis);
    if (at === undefined || axes === undefined) return call.fresh(`padded_${axis}`);
    if (at < 0) return size;
    const [before, after] = [pads?.[at], pads?.[at + axes.length]];
    const sum = before && after && add(size, before, after);
    return sum === undefined || isLong(sum) ? call.fresh(`padded_${axis}`) : sum;
  });
  return [factOf(x.type, shape)];
};
