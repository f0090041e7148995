import { ceilDivide, constant, constantOf, type Expression, subtract } from "../../ir/expression.ts";
import { typeOfNumber } from "../element-types.ts";
import { factOf, MAX_VALUE_ELEMENTS } from "../fact.ts";
import { type Call, integer, integers, type Rule } from "../rule.ts";
import { greater, isAtLeast, productOf, ZERO } from "../size-arithmetic.ts";
import { typeOf, uniform } from "./elementwise.ts";

/** Source: ONNX operator spec, Shape (`start` and `end` since operator set 15). */
export const shapeOf: Rule = (call) => {
  const shape = call.inputs[0]?.shape;
  if (shape === undefined) return [factOf("i64", [call.fresh("rank")])];
  const value = shape.slice(integer(call, "start", 0), integer(call, "end", shape.length));
  return [{ type: "i64", shape: [constant(value.length)], value }];
};

/** Source: ONNX operator spec, Size. */
export const sizeOf: Rule = ({ inputs: [x] }) => [{ type: "i64", shape: [], value: [x?.shape && productOf(x.shape)] }];

/** Source: ONNX operator spec, Range: ceil((limit − start) / delta) numbers. */
export const range: Rule = (call) => {
  const [start, limit, delta] = call.inputs.map((input) => input?.value?.[0]);
  const type = typeOf(call.inputs);
  const step = delta && constantOf(delta);
  if (start === undefined || limit === undefined || step === undefined || step === 0) return [factOf(type, [call.fresh("range")])];
  const span = step > 0 ? subtract(limit, start) : subtract(start, limit);
  const count = ceilDivide(span, constant(Math.abs(step)));
  const length = isAtLeast(count, ZERO) ? count : greater(ZERO, count);
  const [first, known] = [constantOf(start), constantOf(length)];
  const listed = first !== undefined && known !== undefined && known <= MAX_VALUE_ELEMENTS;
  return [{ type, shape: [length], value: listed ? Array.from({ length: known }, (_, i) => constant(first + i * step)) : undefined }];
};

/** Source: ONNX operator spec, ConstantOfShape: float zeros unless `value` says else. */
export const constantOfShape: Rule = (call) => {
  const filler = call.tensor("value");
  const fill = filler === undefined ? 0 : uniform(filler);
  const shape = sizesOf(call, 0);
  const count = shape === undefined ? undefined : constantOf(productOf(shape) ?? call.fresh("count"));
  const listed = fill !== undefined && count !== undefined && count >= 0 && count <= MAX_VALUE_ELEMENTS;
  return [{ type: filler?.type ?? "f32", shape, value: listed ? new Array<Expression>(count).fill(constant(fill)) : undefined, fill }];
};

/** The shape that an input's values spell; fresh where some are not known. */
function sizesOf(call: Call, input: number): readonly Expression[] | undefined {
  const given = call.inputs[input];
  const rank = given?.shape?.length === 1 ? constantOf(given.shape[0]!) : undefined;
  if (given?.value !== undefined) return given.value.map((size, axis) => size ?? call.fresh(`size_${axis}`));
  if (rank === undefined || rank > 64) return undefined;
  return Array.from({ length: rank }, (_, axis) => call.fresh(`size_${axis}`));
}

/** Source: ONNX operator spec, Constant without a tensor: one number, or a list. */
export const constantAttribute: Rule = (call) => {
  const given = call.tensor("value");
  if (given !== undefined) return [given];
  for (const [name, type] of [
    ["value_int", "i64"],
    ["value_float", "f32"],
  ] as const) {
    const value = call.attributes[name];
    if (typeof value === "number") return [{ type, shape: [], value: [constant(value)] }];
  }
  for (const [name, type] of [
    ["value_ints", "i64"],
    ["value_floats", "f32"],
  ] as const) {
    const values = integers(call, name);
    if (values === undefined) continue;
    const value = values.length <= MAX_VALUE_ELEMENTS ? values.map(constant) : undefined;
    return [{ type, shape: [constant(values.length)], value }];
  }
  const strings = call.attributes["value_strings"];
  return [factOf("string", Array.isArray(strings) ? [constant(strings.length)] : [])];
};

/** Source: ONNX operator spec, RandomNormal and its kin: shape from an attribute, or like the input. */
export const random: Rule = (call) => {
  const type = typeOfNumber(integer(call, "dtype", 0));
  const [x] = call.inputs;
  return [factOf(type !== "unknown" ? type : x === undefined ? "f32" : x.type, integers(call, "shape")?.map(constant) ?? x?.shape)];
};
