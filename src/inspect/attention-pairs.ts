import { assert } from "../base/assert.ts";
import { add, constant, type Expression, floorDivide, minimum, multiply, subtract, symbol } from "../graph/ir/expression.ts";
import { CONTEXT, type Operator, TOKENS } from "../graph/ir/graph.ts";

/**
 * Pairs of a query and a key it sees, of one sequence: of `tokens` queries at the end of `context` tokens, each sees itself and those before
 * it, as far as the mask reaches (`chosen`: as many of them as are chosen). Exact, not the rectangle that a kernel without skipping computes.
 */
export function pairsOf(operator: Operator, length: Expression): Expression {
  const { mask, reach = 0, source = 0 } = operator.attributes;
  const sizes = { tokens: symbol(TOKENS), context: symbol(CONTEXT) };
  switch (mask) {
    case "none":
      return multiply(length, length);
    // Each position sees those of its own square, which is as large as a whole one but at the edges.
    case "squares":
      return multiply(length, constant(Number(reach)));
    case "source":
      return multiply(length, constant(Number(source)));
    case "causal":
      return queriesByKeys({ ...sizes, window: undefined });
    case "window":
    case "chosen":
      return queriesByKeys({ ...sizes, window: Number(reach) });
    case "chunk":
      return grownBy(sizes, (tokens) => chunked(tokens, Number(reach)));
  }
  assert(false, "an attention operator has a known mask", { mask });
}

interface Lengths {
  /** New tokens, and tokens there are with them. */
  readonly tokens: Expression;
  readonly context: Expression;
}

/** Pairs under a causal mask, in which a query sees at most `window` keys, itself included. */
export function queriesByKeys({ window, ...sizes }: Lengths & { readonly window: number | undefined }): Expression {
  return grownBy(sizes, window === undefined ? triangle : (tokens) => windowed(tokens, window));
}

function grownBy({ tokens, context }: Lengths, count: (tokens: Expression) => Expression): Expression {
  return subtract(count(context), count(subtract(context, tokens)));
}

/** 1 + 2 + … + n */
function triangle(n: Expression): Expression {
  return multiply(constant(0.5), n, add(n, constant(1)));
}

/** min(1, reach) + … + min(n, reach) */
function windowed(n: Expression, reach: number): Expression {
  const inside = minimum(n, constant(reach));
  return add(triangle(inside), multiply(constant(reach), subtract(n, inside)));
}

/** 1 + … + reach, again and again, until n terms. */
function chunked(n: Expression, reach: number): Expression {
  const whole = floorDivide(n, constant(reach));
  const rest = subtract(n, multiply(constant(reach), whole));
  return add(multiply(whole, triangle(constant(reach))), triangle(rest));
}
