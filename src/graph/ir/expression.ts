import { assert } from "../../base/assert.ts";

/**
 * A size, a count of bytes or of operations that may depend on sizes known only at run time: a polynomial over factors.
 *
 * Model: terms are kept in one order with equal factors merged, so equal polynomials have equal texts. What is no polynomial (rounded division,
 * minimum, maximum) is a factor of its own.
 */
export interface Expression {
  readonly terms: readonly Term[];
}

export interface Term {
  readonly coefficient: number;
  /** Sorted by their text; a power is repeated. */
  readonly factors: readonly Factor[];
}

/** A symbol (batch, tokens, context …), or an operation on expressions that no polynomial holds. */
export type Factor = { readonly type: "symbol"; readonly name: string } | Operation;

export interface Operation {
  readonly type: "floor-div" | "ceil-div" | "min" | "max";
  readonly left: Expression;
  readonly right: Expression;
}

/** Values of symbols. */
export type Bindings = Readonly<Record<string, number>>;

export function constant(value: number): Expression {
  assert(Number.isFinite(value), "a size is a number", { value });
  return value === 0 ? { terms: [] } : { terms: [{ coefficient: value, factors: [] }] };
}

export function symbol(name: string): Expression {
  return { terms: [{ coefficient: 1, factors: [{ type: "symbol", name }] }] };
}

export function add(...parts: readonly Expression[]): Expression {
  return merged(parts.flatMap((part) => part.terms));
}

export function multiply(...parts: readonly Expression[]): Expression {
  let product: readonly Term[] = constant(1).terms;
  for (const { terms } of parts) {
    // Most sizes are one term.
    const single = product.length === 1 && terms.length === 1;
    product = single ? [productOf(product[0]!, terms[0]!)] : product.flatMap((left) => terms.map((right) => productOf(left, right)));
  }
  return merged(product);
}

function productOf(left: Term, right: Term): Term {
  const coefficient = left.coefficient * right.coefficient;
  if (right.factors.length === 0) return { coefficient, factors: left.factors };
  return { coefficient, factors: left.factors.length === 0 ? right.factors : [...left.factors, ...right.factors] };
}

export function subtract(left: Expression, right: Expression): Expression {
  return add(left, multiply(constant(-1), right));
}

/** left / right, rounded down. */
export function floorDivide(left: Expression, right: Expression): Expression {
  return divided("floor-div", left, right);
}

/** left / right, rounded up. */
export function ceilDivide(left: Expression, right: Expression): Expression {
  return divided("ceil-div", left, right);
}

export function minimum(left: Expression, right: Expression): Expression {
  return operation("min", left, right);
}

export function maximum(left: Expression, right: Expression): Expression {
  return operation("max", left, right);
}

/** The value where it depends on no symbol. */
export function constantOf(expression: Expression): number | undefined {
  const [term, more] = expression.terms;
  if (term === undefined) return 0;
  return more === undefined && term.factors.length === 0 ? term.coefficient : undefined;
}

export function equal(left: Expression, right: Expression): boolean {
  return textOf(left) === textOf(right);
}

/** Value at the given sizes. Errors: an assertion names a symbol without a value. */
export function evaluate(expression: Expression, bindings: Bindings): number {
  let sum = 0;
  for (const { coefficient, factors } of expression.terms) {
    let product = coefficient;
    for (const factor of factors) product *= factorValue(factor, bindings);
    sum += product;
  }
  return sum;
}

/** The expression with some symbols given values. */
export function bind(expression: Expression, bindings: Bindings): Expression {
  return substitute(expression, Object.fromEntries(Object.entries(bindings).map(([name, value]) => [name, constant(value)])));
}

/** The expression with some symbols replaced by expressions. */
export function substitute(expression: Expression, replacements: Readonly<Record<string, Expression>>): Expression {
  const replaced = (factor: Factor): Expression =>
    factor.type === "symbol"
      ? (replacements[factor.name] ?? symbol(factor.name))
      : combined(factor.type, substitute(factor.left, replacements), substitute(factor.right, replacements));
  return add(...expression.terms.map(({ coefficient, factors }) => multiply(constant(coefficient), ...factors.map(replaced))));
}

/** Names of the symbols it depends on, sorted. */
export function symbolsOf(expression: Expression): string[] {
  const names = new Set<string>();
  const visit = ({ terms }: Expression): void => {
    for (const factor of terms.flatMap((term) => term.factors)) {
      if (factor.type === "symbol") names.add(factor.name);
      else [factor.left, factor.right].forEach(visit);
    }
  };
  visit(expression);
  return [...names].sort();
}

/** As people write it: `2·batch·tokens + 3`. */
export function textOf({ terms }: Expression): string {
  if (terms.length === 0) return "0";
  const texts = terms.map(({ coefficient, factors }) => {
    const names = factors.map(factorText);
    return coefficient === 1 && names.length > 0 ? names.join("·") : [String(coefficient), ...names].join("·");
  });
  return texts.join(" + ");
}

function factorText(factor: Factor): string {
  if (factor.type === "symbol") return factor.name;
  const left = textOf(factor.left);
  const right = textOf(factor.right);
  return `${factor.type}(${left}, ${right})`;
}

function factorValue(factor: Factor, bindings: Bindings): number {
  if (factor.type === "symbol") {
    const value = bindings[factor.name];
    assert(value !== undefined, "a symbol has a value", { symbol: factor.name });
    return value;
  }
  return applied(factor.type, evaluate(factor.left, bindings), evaluate(factor.right, bindings));
}

function applied(type: Operation["type"], left: number, right: number): number {
  switch (type) {
    case "min":
      return left < right ? left : right;
    case "max":
      return left > right ? left : right;
    case "floor-div":
      return Math.floor(left / right);
    case "ceil-div":
      return Math.ceil(left / right);
  }
}

function combined(type: Operation["type"], left: Expression, right: Expression): Expression {
  return type === "min" || type === "max" ? operation(type, left, right) : divided(type, left, right);
}

/** Exact where every term divides by a constant. */
function divided(type: "floor-div" | "ceil-div", left: Expression, right: Expression): Expression {
  const by = constantOf(right);
  assert(by !== 0, "nothing is divided by zero", { left: textOf(left) });
  if (by !== undefined && left.terms.every(({ coefficient }) => Number.isInteger(coefficient / by))) {
    return multiply(left, constant(1 / by));
  }
  return equal(left, right) ? constant(1) : operation(type, left, right);
}

function operation(type: Operation["type"], left: Expression, right: Expression): Expression {
  const a = constantOf(left);
  const b = constantOf(right);
  if (a !== undefined && b !== undefined) return constant(applied(type, a, b));
  if ((type === "min" || type === "max") && equal(left, right)) return left;
  return { terms: [{ coefficient: 1, factors: [{ type, left, right }] }] };
}

/** Terms with equal factors added up, in the order of their texts; higher degrees first. */
function merged(terms: readonly Term[]): Expression {
  const [first] = terms;
  if (first !== undefined && terms.length === 1 && first.factors.length < 2) return { terms: first.coefficient === 0 ? [] : [first] };
  const byText = new Map<string, Term>();
  for (const { coefficient, factors } of terms) {
    const named = factors
      .map((factor) => ({ factor, text: factorText(factor) }))
      .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    const key = named.map(({ text }) => text).join("·");
    const known = byText.get(key);
    byText.set(key, { coefficient: coefficient + (known?.coefficient ?? 0), factors: named.map(({ factor }) => factor) });
  }
  const kept = [...byText.entries()].filter(([, term]) => term.coefficient !== 0);
  kept.sort(([a, left], [b, right]) => right.factors.length - left.factors.length || (a < b ? -1 : 1));
  return { terms: kept.map(([, term]) => term) };
}
