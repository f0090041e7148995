import { add, constant } from "../../ir/expression.ts";
import type { DataType } from "../../ir/graph.ts";
import { factOf } from "../fact.ts";
import { ONE } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, axisIn, commonType, each, isFloat, type RuleTable, replaced, type Shape } from "./call.ts";
import { broadcastOf } from "./elementwise.ts";

/** Without dimensions, or with an empty list, all are reduced. */
function reduced(call: AtenCall, shape: Shape): Shape {
  const named = call.numbers("dim") ?? (call.has("dim") ? [call.number("dim", 0)] : []);
  const keep = call.flag("keepdim", false);
  if (named.length === 0) return keep ? shape.map(() => ONE) : [];
  const axes = named.map((axis) => axisIn(call, shape, axis));
  return shape.flatMap((size, axis) => (axes.includes(axis) ? (keep ? [ONE] : []) : [size]));
}

/** The type of floats stays; whole numbers add up to i64, other results on them are left open. */
function reduction(type?: DataType): AtenRule {
  return (call) => {
    const x = call.first;
    if (x === undefined) return [];
    const own = isFloat(x.type) ? x.type : "unknown";
    // Of bytes, any and all give bytes.
    const fixed = type === "bool" && x.type === "u8" ? "unknown" : type;
    return [factOf(fixed ?? call.dataType("dtype") ?? own, x.shape && reduced(call, x.shape))];
  };
}

/** Values and places with a dimension, one value without, elementwise with two tensors. */
const extreme: AtenRule = (call) => {
  const x = call.first;
  if (x === undefined) return [];
  if (call.overload === "other") return [factOf(commonType([x, call.fact("other")]), broadcastOf(call, [x, call.fact("other")]))];
  const shape = x.shape && reduced(call, x.shape);
  return call.has("dim") ? [factOf(x.type, shape), factOf("i64", shape)] : [factOf(x.type, shape)];
};

const twice: AtenRule = (call) => {
  const [result] = reduction()(call);
  return [result, result];
};

/** Differences of neighbours, with what is put before and behind. */
const diff: AtenRule = (call) => {
  const x = call.fact("self");
  if (x?.shape === undefined) return [x];
  const axis = axisIn(call, x.shape, call.number("dim", -1));
  const times = call.number("n", 1);
  if (!(times >= 0)) call.fail(`${times} times`);
  const around = ["prepend", "append"].map((name) => (call.has(name) ? call.fact(name)?.shape?.[axis] : constant(0)));
  if (around.includes(undefined)) return [factOf(x.type, undefined)];
  return [factOf(x.type, replaced(x.shape, axis, add(x.shape[axis] ?? ONE, ...(around as Shape), constant(-times))))];
};

const histogram: AtenRule = (call) => [
  factOf(call.first?.type ?? "unknown", [call.has("bins") ? (call.size("bins") ?? call.fresh("bins")) : constant(100)]),
];

export const REDUCTIONS: RuleTable = {
  ...each("sum mean prod amax amin var std logsumexp norm linalg_vector_norm nansum nanmean", reduction()),
  diff,
  histc: histogram,
  ...each("any all", reduction("bool")),
  ...each("argmax argmin", reduction("i64")),
  ...each("max min median mode kthvalue", extreme),
  ...each("var_mean std_mean aminmax", twice),
};
