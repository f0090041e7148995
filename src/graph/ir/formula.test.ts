// Goal: formulas people write become expressions, and nothing else does. Method: round trips through `textOf`, and texts that are none.
import { describe, expect, it } from "vitest";
import { evaluate, textOf } from "./expression.ts";
import { formulaOf } from "./formula.ts";

describe("a formula", () => {
  it.each([
    ["2*batch*tokens + 3", { batch: 4, tokens: 5 }, 43],
    ["1e9", {}, 1e9],
    ["1e+3+2.5*n.x", { "n.x": 2 }, 1005],
    ["tokens·tokens", { tokens: 7 }, 49],
  ])("%s", (text, sizes, value) => {
    const read = formulaOf(text)!;
    expect(evaluate(read, sizes)).toBe(value);
    expect(textOf(formulaOf(textOf(read))!)).toBe(textOf(read));
  });

  it.each(["", "2*", "a-b", "a/b", "(a)", "-1", "2 3", "1e999", "+", "x".repeat(2000)])("is not %j", (text) => {
    expect(formulaOf(text)).toBeUndefined();
  });
});
