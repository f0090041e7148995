import { add, constant, type Expression, multiply, symbol } from "./expression.ts";

/** A sum of products of numbers and names: `2*batch*tokens + 1e6`; `·` for `*` is what `textOf` writes. */
const FACTOR = /^(?:(\d+(?:\.\d+)?(?:[eE][+]?\d+)?)|([A-Za-z_][\w.]*))$/;
/** Longer texts are not formulas anyone wrote. */
const LENGTH_MAX = 1000;

/** The expression a text stands for; undefined where it is no sum of products. */
export function formulaOf(text: string): Expression | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const terms = text.split(/(?<![eE])\+/).map(productOf);
  return terms.every((term) => term !== undefined) ? add(...terms) : undefined;
}

function productOf(text: string): Expression | undefined {
  const factors = text.split(/[*·]/).map((part) => {
    const [, digits, name] = FACTOR.exec(part.trim()) ?? [];
    if (digits !== undefined && Number.isFinite(Number(digits))) return constant(Number(digits));
    return name === undefined ? undefined : symbol(name);
  });
  return factors.every((factor) => factor !== undefined) ? multiply(...factors) : undefined;
}
