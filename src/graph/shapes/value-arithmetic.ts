import { add, constant, constantOf, type Expression, equal, floorDivide, multiply, subtract } from "../ir/expression.ts";
import type { DataType } from "../ir/graph.ts";
import { dividedExactly, greater, isAtLeast, isLong, isNegative, lesser, ONE, ZERO } from "./size-arithmetic.ts";

/** One element from those of the inputs; undefined where it cannot be known before a run. */
export type ElementRule = (inputs: readonly Expression[], type: DataType) => Expression | undefined;

const FLOATS: ReadonlySet<DataType> = new Set<DataType>(["f64", "f32", "f16", "bf16"]);

/** A rule for two elements; a file may give one. */
function two(rule: (a: Expression, b: Expression, type: DataType) => Expression | undefined): ElementRule {
  return ([a, b], type) => (a === undefined || b === undefined ? undefined : rule(a, b, type));
}

/** Operators that occur where exporters compute sizes, and what they do to one element. Truth is 1, falsehood 0. */
export const ELEMENT_RULES: Readonly<Record<string, ElementRule>> = {
  Add: two((a, b) => add(a, b)),
  Sub: two((a, b) => subtract(a, b)),
  Mul: two((a, b) => (a.terms.length * b.terms.length > 64 ? undefined : multiply(a, b))),
  Div: two((a, b, type) => divided(a, b, type)),
  Mod: two((a, b) => remainder(a, b)),
  Neg: ([a]) => multiply(constant(-1), a!),
  Abs: ([a]) => (isAtLeast(a!, ZERO) ? a : numeric([a!], (x) => (x! < 0 ? -x! : x!))),
  Floor: ([a]) => rounded(a!, Math.floor),
  Ceil: ([a]) => rounded(a!, Math.ceil),
  Round: ([a]) => rounded(a!, evenly),
  Sqrt: ([a]) => numeric([a!], (x) => (x! >= 0 ? Math.sqrt(x!) : Number.NaN)),
  Min: (inputs) => inputs.reduce(lesser),
  Max: (inputs) => inputs.reduce(greater),
  Equal: two((a, b) => compared(a, b, (x, y) => x === y)),
  Less: two((a, b) => compared(a, b, (x, y) => x < y)),
  LessOrEqual: two((a, b) => compared(a, b, (x, y) => x <= y)),
  Greater: two((a, b) => compared(a, b, (x, y) => x > y)),
  GreaterOrEqual: two((a, b) => compared(a, b, (x, y) => x >= y)),
  Not: ([a]) => numeric([a!], (x) => (x === 0 ? 1 : 0)),
  And: (inputs) => numeric(inputs, (x, y) => (x !== 0 && y !== 0 ? 1 : 0)),
  Or: (inputs) => numeric(inputs, (x, y) => (x !== 0 || y !== 0 ? 1 : 0)),
  Xor: (inputs) => numeric(inputs, (x, y) => ((x !== 0) !== (y !== 0) ? 1 : 0)),
};

/** Applies a rule; what grows too long to be read counts as not known. */
export function element(rule: ElementRule, inputs: readonly (Expression | undefined)[], type: DataType): Expression | undefined {
  if (inputs.some((input) => input === undefined)) return undefined;
  const result = rule(inputs as readonly Expression[], type);
  return result === undefined || isLong(result) ? undefined : result;
}

function divided(left: Expression, right: Expression, type: DataType): Expression | undefined {
  const by = constantOf(right);
  if (by === 0) return undefined;
  const exact = dividedExactly(left, right);
  if (exact !== undefined) return exact;
  if (FLOATS.has(type)) return by === undefined ? undefined : multiply(left, constant(1 / by));
  // Integer division cuts towards zero, which is rounding down for what is not negative.
  const value = constantOf(left);
  if (value !== undefined && by !== undefined) return constant(Math.trunc(value / by));
  return isAtLeast(left, ZERO) && isAtLeast(right, ONE) ? floorDivide(left, right) : undefined;
}

function remainder(left: Expression, right: Expression): Expression | undefined {
  const [value, by] = [constantOf(left), constantOf(right)];
  if (by === 0) return undefined;
  if (value !== undefined && by !== undefined) return constant(value - by * Math.floor(value / by));
  if (dividedExactly(left, right) !== undefined) return ZERO;
  return isAtLeast(left, ZERO) && isAtLeast(right, ONE) ? subtract(left, multiply(right, floorDivide(left, right))) : undefined;
}

function rounded(value: Expression, round: (value: number) => number): Expression | undefined {
  const known = constantOf(value);
  if (known !== undefined) return constant(round(known));
  if (value.terms.every(({ coefficient }) => Number.isInteger(coefficient))) return value;
  if (round === Math.floor) return floorDivide(value, ONE);
  return undefined;
}

/** Halves go to the even number. */
function evenly(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function compared(left: Expression, right: Expression, holds: (a: number, b: number) => boolean): Expression | undefined {
  const [a, b] = [constantOf(left), constantOf(right)];
  const answer = (a: number, b: number): Expression => (holds(a, b) ? ONE : ZERO);
  if (a !== undefined && b !== undefined) return answer(a, b);
  if (equal(left, right)) return answer(0, 0);
  if (isNegative(subtract(left, right))) return answer(0, 1);
  return isNegative(subtract(right, left)) ? answer(1, 0) : undefined;
}

function numeric(inputs: readonly Expression[], apply: (...values: number[]) => number): Expression | undefined {
  const values = inputs.map(constantOf);
  if (values.some((value) => value === undefined)) return undefined;
  const result = apply(...(values as number[]));
  return Number.isFinite(result) ? constant(result) : undefined;
}
