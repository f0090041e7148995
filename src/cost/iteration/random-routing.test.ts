/**
 * Goal: experts at random touch fewer than dealt out evenly, and many tokens cost the same either way.
 * Method: a plain price of touched experts and rows; both ends of the range, and the middle by hand.
 */
import { expect, it } from "vitest";
import { ok } from "../../base/result.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import type { ExpertQuery } from "../operator/operator-query.ts";
import { randomRouting } from "./random-routing.ts";

const QUERY: ExpertQuery = {
  op: "experts",
  tokens: 1,
  width: 8,
  inner: 8,
  active: 2,
  experts: 16,
  ranks: { tensor: 1, expert: 1 },
  type: "bf16",
  load: "balanced",
};
/** 100 for each expert touched, 1 for each row. */
const EVEN: OperatorModel = {
  source: "by hand",
  price: (query) => {
    if (query.op !== "experts") return ok({ ns: 7, spread: 0, basis: "measured" });
    const pairs = query.tokens * query.active;
    return ok({ ns: 100 * Math.min(query.experts, pairs) + pairs, spread: 0, basis: "measured" });
  },
};

function price(tokens: number, load: ExpertQuery["load"] = "balanced"): number {
  const priced = randomRouting(EVEN).price({ ...QUERY, tokens, load });
  return priced.ok ? priced.value.ns : Number.NaN;
}

it("one token visits its experts", () => expect(price(1)).toBeCloseTo(202, 9));
it("eight tokens miss some of the sixteen experts that they would touch in turn", () => {
  const touched = 16 * (1 - (14 / 16) ** 8);
  expect(price(8)).toBeCloseTo(101 * touched, 6);
  expect(price(8)).toBeLessThan(1616);
});
it("many tokens touch all, and add their rows", () => expect(price(1000) / (1600 + 2000)).toBeCloseTo(1, 6));
it("rises with tokens", () => {
  for (let tokens = 1; tokens < 60; tokens++) expect(price(tokens + 1)).toBeGreaterThan(price(tokens));
});
it("leaves skewed loads and other operators alone", () => {
  expect(price(8, { powerLaw: 1.2 })).toBe(1616);
  expect(randomRouting(EVEN).price({ op: "stream", bytes: 1 })).toEqual({ ok: true, value: { ns: 7, spread: 0, basis: "measured" } });
});
