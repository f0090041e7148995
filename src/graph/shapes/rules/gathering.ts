import { constant, constantOf, type Expression, multiply } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { axisOf, integer, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

/** The axis gives way to the indices' axes. Source: ONNX operator spec, Gather. */
export const gather: Rule = (call) => {
  const [x, indices] = call.inputs;
  const axis = x?.shape && axisOf(integer(call, "axis", 0), x.shape.length);
  const type = typeOf([x]);
  if (x?.shape === undefined || indices?.shape === undefined || axis === undefined) return [factOf(type, undefined)];
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return [{ type, shape, value: gathered(x, indices), fill: x.fill }];
};

/**
 * As `gather`, of a table of packed numbers: bytes hold several along the last axis; the result has the type of the scales.
 *
 * Source: ONNX Runtime contrib operators, GatherBlockQuantized.
 */
export const gatherPacked: Rule = (call) => {
  const [x, indices, scales] = call.inputs;
  const bits = integer(call, "bits", 4);
  const inByte = x?.type === "u8" && (bits === 1 || bits === 2 || bits === 4) ? 8 / bits : 1;
  const sizes = x?.shape?.map((size, axis, all) => (axis === all.length - 1 ? multiply(constant(inByte), size) : size));
  const axis = sizes && axisOf(integer(call, "gather_axis", 0), sizes.length);
  const type = typeOf([scales]);
  if (sizes === undefined || indices?.shape === undefined || axis === undefined) return [factOf(type, undefined)];
  return [factOf(type, [...sizes.slice(0, axis), ...indices.shape, ...sizes.slice(axis + 1)])];
};

function gathered(x: Fact, indices: Fact): Fact["value"] {
  const { value } = x;
  if (value === undefined || x.shape?.length !== 1) return undefined;
  return indices.value?.map((index) => {
    const at = index && constantOf(index);
    return at === undefined ? undefined : value.at(at);
  });
}

/** Source: ONNX operator spec, GatherElements: the result has the indices' shape. */
export const gatherElements: Rule = ({ inputs: [x, indices] }) => [factOf(typeOf([x]), indices?.shape)];

/** Source: ONNX operator spec, GatherND: indices' last axis names the first axes behind the batch. */
export const gatherNd: Rule = (call) => {
  const [x, indices] = call.inputs;
  const batch = integer(call, "batch_dims", 0);
  const depth = indices?.shape?.length ? constantOf(indices.shape.at(-1)!) : undefined;
  if (x?.shape === undefined || indices?.shape === undefined || depth === undefined) return [factOf(typeOf([x]), undefined)];
  return [factOf(x.type, [...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)])];
};

/** Source: ONNX operator spec, ScatterElements and ScatterND: the data with some elements replaced. */
export const scatter: Rule = ({ inputs: [x] }) => [factOf(typeOf([x]), x?.shape)];

/** Source: ONNX operator spec, OneHot. */
export const oneHot: Rule = (call) => {
  const [indices, depth, values] = call.inputs;
  const rank = indices?.shape && indices.shape.length + 1;
  const axis = rank && axisOf(integer(call, "axis", -1), rank);
  if (indices?.shape === undefined || axis === undefined) return [factOf(typeOf([values]), undefined)];
  const size: Expression = depth?.value?.[0] ?? call.fresh("depth");
  return [factOf(typeOf([values]), [...indices.shape.slice(0, axis), size, ...indices.shape.slice(axis)])];
};
