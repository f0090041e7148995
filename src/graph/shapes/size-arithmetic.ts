import {
  add,
  constant,
  constantOf,
  type Expression,
  equal,
  type Factor,
  floorDivide,
  maximum,
  minimum,
  multiply,
  subtract,
  symbol,
  textOf,
} from "../ir/expression.ts";
import { CONTEXT, TOKENS } from "../ir/graph.ts";

export const ZERO: Expression = constant(0);
export const ONE: Expression = constant(1);

/** A product with more terms than this is no use to a reader; it is kept as a chain of factors instead where possible. */
const MAX_TERMS = 64;
const MAX_TEXT = 2000;

/** Too long or too large to compute with: a hostile file can make expressions double at every operator. */
export function isLong(expression: Expression): boolean {
  if (expression.terms.some(({ coefficient }) => !Number.isFinite(coefficient))) return true;
  return expression.terms.length > MAX_TERMS || textOf(expression).length > MAX_TEXT;
}

/** Product of sizes; undefined when it grows too long. */
export function productOf(sizes: readonly Expression[]): Expression | undefined {
  let product = ONE;
  for (const size of sizes) {
    if (product.terms.length * size.terms.length > MAX_TERMS) return undefined;
    product = multiply(product, size);
    if (isLong(product)) return undefined;
  }
  return product;
}

/** Product of `total` over the product of `parts`; equal sizes cancel before anything is multiplied out. */
export function quotientOf(total: readonly Expression[], parts: readonly Expression[]): Expression | undefined {
  const left = [...total];
  const rest: Expression[] = [];
  for (const part of parts) {
    const at = left.findIndex((size) => equal(size, part));
    if (at < 0) rest.push(part);
    else left.splice(at, 1);
  }
  const above = productOf(left);
  const below = productOf(rest);
  if (above === undefined || below === undefined || constantOf(below) === 0) return undefined;
  return dividedExactly(above, below) ?? floorDivide(above, below);
}

/** left / right where every term has right's factors; undefined elsewhere. */
export function dividedExactly(left: Expression, right: Expression): Expression | undefined {
  if (equal(left, right)) return ONE;
  const [by, more] = right.terms;
  if (by === undefined || more !== undefined) return undefined;
  const terms: Expression[] = [];
  for (const term of left.terms) {
    const factors = without(term.factors, by.factors);
    const coefficient = term.coefficient / by.coefficient;
    if (factors === undefined || !Number.isInteger(coefficient)) return undefined;
    terms.push({ terms: [{ coefficient, factors }] });
  }
  return add(...terms);
}

function without(factors: readonly Factor[], taken: readonly Factor[]): readonly Factor[] | undefined {
  const left = [...factors];
  for (const factor of taken) {
    const name = factorName(factor);
    const at = left.findIndex((each) => factorName(each) === name);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left;
}

function factorName(factor: Factor): string {
  return textOf({ terms: [{ coefficient: 1, factors: [factor] }] });
}

/**
 * The least an expression can be, when symbols count at least 1 of something (0 for a past, which may be empty); -Infinity where it has no bound.
 *
 * Model: term by term, so `a - b` has no bound even where a is known to be more.
 */
export function lowerBound(expression: Expression): number {
  let sum = 0;
  const { terms } = withPast(expression);
  for (const { coefficient, factors } of terms) {
    if (factors.length === 0) sum += coefficient;
    else {
      const least = factors.map(leastOf);
      if (coefficient < 0 || least.some((value) => value < 0)) return Number.NEGATIVE_INFINITY;
      sum += coefficient * least.reduce((product, value) => product * value, 1);
    }
  }
  return sum;
}

/** The context is what was there and the new tokens; said so, context − tokens has a sign. */
function withPast(expression: Expression): Expression {
  const isContext = (factor: Factor): boolean => factor.type === "symbol" && factor.name === CONTEXT;
  if (!expression.terms.some(({ factors }) => factors.some(isContext))) return expression;
  const whole = add(symbol("past"), symbol(TOKENS));
  return add(
    ...expression.terms.map(({ coefficient, factors }) =>
      multiply(
        constant(coefficient),
        ...factors.map((factor) => (isContext(factor) ? whole : { terms: [{ coefficient: 1, factors: [factor] }] })),
      ),
    ),
  );
}

function leastOf(factor: Factor): number {
  if (factor.type === "symbol") return factor.name.includes("past") ? 0 : 1;
  const [left, right] = [lowerBound(factor.left), lowerBound(factor.right)];
  if (factor.type === "min") return Math.min(left, right);
  if (factor.type === "max") return Math.max(left, right);
  return left >= 0 && right >= 0 ? 0 : Number.NEGATIVE_INFINITY;
}

export function isAtLeast(left: Expression, right: Expression): boolean {
  return lowerBound(subtract(left, right)) >= 0;
}

export function isNegative(expression: Expression): boolean {
  return lowerBound(multiply(constant(-1), expression)) > 0;
}

/** The lesser of two; the expression itself where it is known which. */
export function lesser(left: Expression, right: Expression): Expression {
  if (isAtLeast(left, right)) return right;
  return isAtLeast(right, left) ? left : minimum(left, right);
}

export function greater(left: Expression, right: Expression): Expression {
  if (isAtLeast(left, right)) return left;
  return isAtLeast(right, left) ? right : maximum(left, right);
}
