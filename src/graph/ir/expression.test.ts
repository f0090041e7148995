// Goal: sizes stay exact through arithmetic. Method: hand-made cases, and polynomials held against plain numbers at random sizes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  bind,
  ceilDivide,
  constant,
  constantOf,
  type Expression,
  equal,
  evaluate,
  floorDivide,
  maximum,
  minimum,
  multiply,
  substitute,
  subtract,
  symbol,
  symbolsOf,
  textOf,
} from "./expression.ts";

const n = symbol("n");
const m = symbol("m");

describe("expressions", () => {
  it("have one form for equal polynomials", () => {
    const left = multiply(add(n, constant(1)), add(n, constant(-1)));
    const right = subtract(multiply(n, n), constant(1));
    expect(equal(left, right)).toBe(true);
    expect(textOf(left)).toBe("n·n + -1");
    expect(textOf(multiply(constant(2), m, n))).toBe("2·m·n");
    expect(constantOf(subtract(n, n))).toBe(0);
    expect(constantOf(n)).toBeUndefined();
  });

  it("divide exactly where they can, and keep what they cannot", () => {
    expect(textOf(floorDivide(multiply(constant(6), n), constant(3)))).toBe("2·n");
    expect(textOf(floorDivide(n, constant(2)))).toBe("floor-div(n, 2)");
    expect(textOf(floorDivide(n, n))).toBe("1");
    expect(evaluate(ceilDivide(add(n, constant(1)), constant(4)), { n: 8 })).toBe(3);
    expect(() => floorDivide(n, constant(0))).toThrow("zero");
  });

  it("take some values and keep the other symbols", () => {
    const size = minimum(multiply(n, m), maximum(m, constant(7)));
    expect(symbolsOf(size)).toEqual(["m", "n"]);
    expect(textOf(bind(size, { m: 2 }))).toBe("min(2·n, 7)");
    expect(evaluate(size, { n: 5, m: 2 })).toBe(7);
    expect(() => evaluate(size, { n: 5 })).toThrow("symbol");
  });

  it("take expressions for symbols, also inside operations", () => {
    const size = multiply(m, minimum(n, constant(4)));
    expect(textOf(substitute(size, { n: subtract(n, m) }))).toBe(textOf(multiply(m, minimum(subtract(n, m), constant(4)))));
    expect(evaluate(substitute(size, { n: subtract(n, m) }), { n: 5, m: 2 })).toBe(6);
  });

  it("mean what the arithmetic of their values means", () => {
    const leaf = fc.oneof(
      fc.integer({ min: -5, max: 5 }).map((value) => constant(value)),
      fc.constantFrom(n, m),
    );
    const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc
          .tuple(fc.constantFrom(add, multiply, subtract, minimum, maximum), tie("tree"), tie("tree"))
          .map(([operator, left, right]) => checked(operator, left, right)),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.nat(9), fc.nat(9), (expression, a, b) => {
        const bound = bind(bind(expression, { n: a }), { m: b });
        expect(constantOf(bound)).toBeCloseTo(evaluate(expression, { n: a, m: b }), 6);
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});

/** The operation's result, held against the same operation on numbers. */
function checked(operator: (left: Expression, right: Expression) => Expression, left: Expression, right: Expression): Expression {
  const result = operator(left, right);
  const at = { n: 3, m: 4 };
  const a = constant(evaluate(left, at));
  const b = constant(evaluate(right, at));
  expect(evaluate(result, at)).toBeCloseTo(constantOf(operator(a, b)) ?? Number.NaN, 6);
  return result;
}
