import { constant, constantOf, type Expression } from "../../ir/expression.ts";
import type { DataType } from "../../ir/graph.ts";
import { broadcast, broadcastPlaces } from "../broadcast.ts";
import { typeOfNumber } from "../element-types.ts";
import type { Fact } from "../fact.ts";
import { type Call, integer, type Rule } from "../rule.ts";
import { ELEMENT_RULES, type ElementRule, element } from "../value-arithmetic.ts";

/** Output like the first input: activations, norms of one input, and what else keeps shape and type. */
export const likeFirst: Rule = ({ inputs: [x] }) => [x && { type: x.type, shape: x.shape }];

/** As `likeFirst` for operators of one input that occur in shape arithmetic. */
export const unary: Rule = (call) => elementwise(call, call.inputs[0]?.type);

/** Any number of inputs, broadcast; the type is theirs. */
export const arithmetic: Rule = (call) => elementwise(call, typeOf(call.inputs));

export const comparison: Rule = (call) => elementwise(call, "bool");

/** Where, from a condition and two tensors. Source: ONNX operator spec, Where. */
export const where: Rule = (call) => {
  const pick: ElementRule = ([condition, yes, no]) => (constantOf(condition!) === 0 ? no : yes);
  const [condition, yes, no] = call.inputs;
  const [result] = elementwise(call, typeOf([yes, no]), { rule: pick, lazily: true });
  return [
    condition?.fill === undefined || result === undefined ? result : { ...result, fill: condition.fill === 0 ? no?.fill : yes?.fill },
  ];
};

/** Source: ONNX operator spec, Cast: floats lose their fraction on the way to integers. */
export const cast: Rule = (call) => [castTo(call.inputs[0], typeOfNumber(integer(call, "to", 0)))];

/** Source: ONNX operator spec, CastLike. */
export const castLike: Rule = ({ inputs: [x, like] }) => [castTo(x, typeOf([like]))];

function castTo(x: Fact | undefined, type: DataType): Fact | undefined {
  if (x === undefined) return undefined;
  if (type === "string" || type === "unknown") return { type, shape: x.shape };
  const isInteger = /^[iu]\d/.test(type);
  const fill = x.fill === undefined ? undefined : castElement(constant(x.fill), type, isInteger);
  const value = x.value?.map((each) => each && castElement(each, type, isInteger));
  return { type, shape: x.shape, value, fill: fill && constantOf(fill) };
}

function castElement(value: Expression, type: DataType, isInteger: boolean): Expression | undefined {
  const known = constantOf(value);
  if (known === undefined) {
    const whole = value.terms.every(({ coefficient }) => Number.isInteger(coefficient));
    if (type === "bool") return undefined;
    return !isInteger || whole ? value : ELEMENT_RULES["Floor"]!([value], type);
  }
  if (type === "bool") return constant(known === 0 ? 0 : 1);
  return constant(isInteger ? Math.trunc(known) : known);
}

/** The type a result of these has; known as soon as one of them is. */
export function typeOf(inputs: readonly (Fact | undefined)[]): DataType {
  return inputs.find((input) => input !== undefined && input.type !== "unknown")?.type ?? "unknown";
}

function elementwise(
  call: Call,
  type: DataType = "unknown",
  special?: { rule: ElementRule; lazily: boolean },
): readonly [Fact | undefined] {
  const inputs = call.inputs.filter((input) => input !== undefined);
  const shapes = inputs.map((input) => input.shape);
  if (inputs.length === 0 || shapes.some((shape) => shape === undefined)) return [{ type, shape: undefined }];
  const known = shapes as readonly (readonly Expression[])[];
  const shape = broadcast(known);
  const rule = special?.rule ?? ELEMENT_RULES[call.type];
  if (shape === undefined || rule === undefined) return [{ type, shape }];
  return [{ type, shape, value: elementsOf(inputs, shape, rule, special?.lazily ?? false), fill: fillOf(inputs, rule) }];
}

function elementsOf(inputs: readonly Fact[], shape: readonly Expression[], rule: ElementRule, lazily: boolean): Fact["value"] {
  if (!inputs.every((input) => input.value !== undefined || (lazily && input.fill !== undefined))) return undefined;
  const places = broadcastPlaces(
    inputs.map((input) => input.shape!),
    shape,
  );
  return places?.map((each) => {
    const elements = inputs.map((input, i) => (input.value === undefined ? constant(input.fill!) : input.value[each[i]!]));
    if (!lazily) return element(rule, elements, inputs[0]!.type);
    const [condition, yes, no] = elements;
    return condition && constantOf(condition) !== undefined ? (constantOf(condition) === 0 ? no : yes) : undefined;
  });
}

/** All elements alike where those of every input are. */
function fillOf(inputs: readonly Fact[], rule: ElementRule): number | undefined {
  const fills = inputs.map(uniform);
  if (fills.some((fill) => fill === undefined)) return undefined;
  const result = element(
    rule,
    fills.map((fill) => constant(fill!)),
    inputs[0]!.type,
  );
  return result && constantOf(result);
}

/** The one number all elements are. */
export function uniform({ value, fill }: Fact): number | undefined {
  if (fill !== undefined) return fill;
  const [first] = value ?? [];
  const known = first && constantOf(first);
  return known !== undefined && value!.every((each) => each !== undefined && constantOf(each) === known) ? known : undefined;
}
