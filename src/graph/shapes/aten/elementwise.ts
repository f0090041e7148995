import { broadcast } from "../broadcast.ts";
import { type Fact, factOf } from "../fact.ts";
import { type AtenCall, type AtenRule, commonType, each, isFloat, likeFirst, type RuleTable, type Shape } from "./call.ts";

/** Shape of an elementwise result. Errors: the call fails where sizes do not fit. */
export function broadcastOf(call: AtenCall, facts: readonly (Fact | undefined)[]): Shape | undefined {
  const shapes = facts.flatMap((fact) => (fact === undefined ? [] : [fact.shape]));
  if (shapes.includes(undefined)) return undefined;
  return broadcast(shapes as readonly Shape[]) ?? call.fail("sizes do not broadcast");
}

function operands(call: AtenCall, names: readonly string[]): readonly Fact[] {
  return names.flatMap((name) => call.fact(name) ?? []);
}

/** Operators that make floats of whole numbers, or may. */
const QUOTIENTS: ReadonlySet<string> = new Set(["div", "true_divide", "atan2", "hypot", "xlogy", "pow"]);

/** Whole numbers become floats beside a fraction, and in a quotient. */
const arithmetic: AtenRule = (call) => {
  const facts = operands(call, ["self", "other", "exponent", "tensor1", "tensor2", "end", "weight"]);
  const type = commonType(facts);
  const isPlain =
    isFloat(type) || (type !== "bool" && !QUOTIENTS.has(call.type) && !["other", "value", "alpha"].some((name) => call.floats(name)));
  return [factOf(isPlain ? type : "unknown", broadcastOf(call, facts))];
};

const comparison: AtenRule = (call) => [factOf("bool", broadcastOf(call, operands(call, ["self", "other"])))];

/** Functions that make floats of whole numbers. */
const floating: AtenRule = ({ first }) => [first && factOf(isFloat(first.type) ? first.type : "unknown", first.shape)];

const test: AtenRule = ({ first }) => [first && factOf("bool", first.shape)];

const where: AtenRule = (call) => {
  if (!call.has("self") && !call.has("other")) return [];
  const facts = operands(call, ["self", "other"]);
  const type = call.fact("self") !== undefined && call.fact("other") !== undefined ? commonType(facts) : "unknown";
  return [factOf(type, broadcastOf(call, [call.fact("condition"), ...facts]))];
};

const maskedFill: AtenRule = (call) => [factOf(call.fact("self")?.type ?? "unknown", broadcastOf(call, operands(call, ["self", "mask"])))];

const clamp: AtenRule = (call) => {
  const facts = operands(call, ["self", "min", "max"]);
  return [factOf(isFloat(commonType(facts)) ? commonType(facts) : "unknown", broadcastOf(call, facts))];
};

/** A copy in another element type; `to.other` takes that of a tensor. */
const cast: AtenRule = (call) => {
  const type = call.dataType("dtype") ?? call.fact("other")?.type ?? call.first?.type ?? "unknown";
  return [factOf(type, call.first?.shape)];
};

/** As the first tensor, in a type that may be named. */
const maybeCast: AtenRule = (call) => {
  const type = call.dataType("dtype") ?? (call.first && isFloat(call.first.type) ? call.first.type : "unknown");
  return [factOf(type, call.first?.shape)];
};

/** Source: PyTorch documentation, torch.Tensor and torch.nn.functional, under the operators' names. */
export const ELEMENTWISE: RuleTable = {
  ...each("neg ceil floor round trunc sign positive square relu relu6 hardtanh leaky_relu threshold", likeFirst),
  ...each("bitwise_not clone contiguous alias detach lift_fresh lift_fresh_copy dropout native_dropout_backward tril triu", likeFirst),
  ...each("fill zero copy requires_grad fill_diagonal normal uniform bernoulli random celu elu selu flip roll alpha_dropout", likeFirst),
  ...each("masked_scatter put feature_dropout nan_to_num conj resolve_conj resolve_neg pin_memory cpu", likeFirst),
  ...each(
    "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh",
    floating,
  ),
  ...each("abs sigmoid logit erf erfc erfinv gelu silu mish softplus softsign hardswish hardsigmoid log_sigmoid lgamma digamma", floating),
  ...each("add sub rsub mul div true_divide floor_divide pow remainder fmod maximum minimum fmax fmin atan2 prelu", arithmetic),
  ...each("addcmul addcdiv lerp bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift", arithmetic),
  ...each("__and__ __or__ __xor__ __lshift__ __rshift__ hypot copysign xlogy", arithmetic),
  ...each("eq ne lt le gt ge logical_and logical_or logical_xor", comparison),
  ...each("logical_not isfinite isinf isnan isposinf isneginf", test),
  ...each("to _to_copy type_as", cast),
  ...each("softmax log_softmax _softmax _log_softmax cumsum cumprod logcumsumexp", maybeCast),
  ...each("clamp clip clamp_min clamp_max", clamp),
  where,
  masked_fill: maskedFill,
};
