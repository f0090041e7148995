/** Goal: pairs of query and key are counted exactly. Method: formulas against counting one by one at random lengths. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate, symbol } from "../graph/ir/expression.ts";
import { type Operator, TOKENS } from "../graph/ir/graph.ts";
import { pairsOf } from "./attention-pairs.ts";

function operatorOf(mask: string, reach: number): Operator {
  const attributes = { mask, reach };
  return { name: "attention", type: "Attention", domain: "heddle", inputs: [], outputs: [], attributes, accesses: [], scope: "attention" };
}

/** Keys that the token at `position`, counted from 1, sees. */
const SEEN: Readonly<Record<string, (position: number, reach: number) => number>> = {
  causal: (position) => position,
  window: (position, reach) => Math.min(position, reach),
  chunk: (position, reach) => ((position - 1) % reach) + 1,
};

test.each(Object.entries(SEEN))("%s", (mask, seen) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.integer({ min: 1, max: 70 }), (tokens, past, reach) => {
      let pairs = 0;
      for (let position = past + 1; position <= past + tokens; position++) pairs += seen(position, reach);
      expect(evaluate(pairsOf(operatorOf(mask, reach), symbol(TOKENS)), { tokens, context: past + tokens })).toBe(pairs);
    }),
    { numRuns: 300 },
  );
});

test("an encoder's tokens all see each other", () => {
  expect(evaluate(pairsOf(operatorOf("none", 0), symbol(TOKENS)), { tokens: 7 })).toBe(49);
});
