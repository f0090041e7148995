import { constant, constantOf } from "../../ir/expression.ts";
import { factOf } from "../fact.ts";
import { axisOf, integer, type Rule } from "../rule.ts";
import { productOf } from "../size-arithmetic.ts";
import { typeOf, uniform } from "./elementwise.ts";

/** [rank, places found]; all places where every element is the same non-zero number. Source: ONNX operator spec, NonZero. */
export const nonZero: Rule = (call) => {
  const [x] = call.inputs;
  if (x?.shape === undefined) return [factOf("i64", undefined)];
  const all = uniform(x);
  const known = x.value?.map((each) => each && constantOf(each));
  const found = known === undefined || known.includes(undefined) ? undefined : constant(known.filter((each) => each !== 0).length);
  const count = all === undefined ? found : all === 0 ? constant(0) : productOf(x.shape);
  // A scalar counts as a list of one.
  const rank = Math.max(1, x.shape.length);
  const places = rank === 1 && found !== undefined ? known!.flatMap((each, at) => (each === 0 ? [] : [constant(at)])) : undefined;
  return [{ type: "i64", shape: [constant(rank), count ?? call.fresh("nonzero")], value: places }];
};

/** [boxes chosen, 3]. Source: ONNX operator spec, NonMaxSuppression. */
export const nonMaxSuppression: Rule = (call) => [factOf("i64", [call.fresh("boxes"), constant(3)])];

/** Source: ONNX operator spec, Compress: without an axis the input is flat. */
export const compress: Rule = (call) => {
  const [x] = call.inputs;
  const count = call.fresh("compressed");
  const axis = x?.shape && axisOf(integer(call, "axis", 0), x.shape.length);
  if (call.attributes["axis"] === undefined) return [factOf(typeOf([x]), [count])];
  return [factOf(typeOf([x]), axis === undefined ? undefined : x!.shape!.map((size, at) => (at === axis ? count : size)))];
};

/** Values, first places, inverse places, counts. Source: ONNX operator spec, Unique. */
export const unique: Rule = (call) => {
  const [x] = call.inputs;
  const count = call.fresh("unique");
  const given = call.attributes["axis"] !== undefined;
  const axis = x?.shape && axisOf(integer(call, "axis", 0), x.shape.length);
  const whole = x?.shape && (given ? axis !== undefined && x.shape.map((size, at) => (at === axis ? count : size)) : [count]);
  const length = x?.shape && (given ? axis !== undefined && x.shape[axis] : productOf(x.shape));
  const places = factOf("i64", [count]);
  return [factOf(typeOf([x]), whole || undefined), places, factOf("i64", length ? [length] : undefined), places];
};
