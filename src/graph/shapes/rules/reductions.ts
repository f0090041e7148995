import { constant, constantOf, type Expression } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { axesOf, axisOf, type Call, integer, type Rule } from "../rule.ts";
import { greater, lesser, ONE, productOf } from "../size-arithmetic.ts";
import { ELEMENT_RULES, element } from "../value-arithmetic.ts";
import { typeOf } from "./elementwise.ts";
import { listOf } from "./reshaping.ts";

/** Source: ONNX operator spec, ReduceSum and its kin: axes from an attribute or the second input; all where none are given. */
export const reduce: Rule = (call) => {
  const [x] = call.inputs;
  const type = typeOf([x]);
  if (x?.shape === undefined) return [factOf(type, undefined)];
  const rank = x.shape.length;
  const keep = integer(call, "keepdims", 1) !== 0;
  const listed = listOf(call, "axes", 1);
  if (listed === undefined && call.inputs[1] !== undefined) {
    return [factOf(type, keep ? x.shape.map((_, axis) => call.fresh(`reduced_${axis}`)) : undefined)];
  }
  const none = listed === undefined || listed.length === 0;
  if (none && integer(call, "noop_with_empty_axes", 0) !== 0) return [x];
  const axes = none ? x.shape.map((_, axis) => axis) : axesOf(listed, rank);
  const shape = axes && reducedShape(x, axes, keep);
  return [{ type, shape, value: shape && rank === 1 ? reducedValue(call, x) : undefined }];
};

function reducedShape({ shape }: Fact, axes: readonly number[], keep: boolean): Fact["shape"] {
  if (keep) return shape!.map((size, axis) => (axes.includes(axis) ? ONE : size));
  return shape!.filter((_, axis) => !axes.includes(axis));
}

function reducedValue({ type }: Call, { value, type: of }: Fact): Fact["value"] {
  if (value === undefined || value.length === 0 || value.includes(undefined)) return undefined;
  const known = value.map((each) => each!);
  if (type === "ReduceProd") return [productOf(known)];
  if (type === "ReduceSum")
    return [known.reduce<Expression | undefined>((sum, each) => element(ELEMENT_RULES["Add"]!, [sum, each], of), constant(0))];
  if (type === "ReduceMax") return [known.reduce(greater)];
  return type === "ReduceMin" ? [known.reduce(lesser)] : undefined;
}

/** Source: ONNX operator spec, ArgMax and ArgMin. */
export const argument: Rule = (call) => {
  const x = call.inputs[0];
  const axis = x?.shape && axisOf(integer(call, "axis", 0), x.shape.length);
  return [factOf("i64", axis === undefined ? undefined : reducedShape(x!, [axis], integer(call, "keepdims", 1) !== 0))];
};

/** Values and their places. Source: ONNX operator spec, TopK: k is an attribute before operator set 10. */
export const topK: Rule = (call) => {
  const [x, k] = call.inputs;
  const axis = x?.shape && axisOf(integer(call, "axis", -1), x.shape.length);
  if (x?.shape === undefined || axis === undefined) return [factOf(typeOf([x]), undefined), factOf("i64", undefined)];
  const given = integer(call, "k", -1);
  const count = (given >= 0 ? constant(given) : k?.value?.[0]) ?? call.fresh("k");
  const limit = constantOf(count) === undefined ? count : lesser(count, x.shape[axis]!);
  const shape = x.shape.map((size, at) => (at === axis ? limit : size));
  return [factOf(x.type, shape), factOf("i64", shape)];
};
