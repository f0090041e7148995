/**
 * Goal: tokens are sent to the ranks of their experts where those are more than a token has experts, and go to all ranks otherwise.
 * Method: terms of a mixture of 64 experts, 8 a token, on groups of data-parallel ranks; their queries by hand.
 */
import { expect, it } from "vitest";
import { mixtureTerms } from "./feed-forward-terms.ts";
import type { Site } from "./site.ts";

const BLOCK = { kind: "mixture", experts: 64, active: 8, inner: 512, gated: true } as unknown as Parameters<typeof mixtureTerms>[1];

function asked(ranks: number, data = ranks): readonly string[] {
  const site: Site = {
    width: 1024,
    cut: { tensor: ranks / data, pipeline: 1, data, expert: ranks, context: 1 },
    formats: { weights: "bf16", kv: "bf16" },
    perNode: 72,
    perDecode: 1,
    load: "balanced",
  };
  const terms = mixtureTerms(site, BLOCK, 1).filter(({ name }) => name.startsWith("expert"));
  const queries = terms.flatMap((term) => (term.over === "group-tokens" ? term.queries(1024) : []));
  return queries.map((query) =>
    query.op === "collective" ? query.kind : query.op === "experts" ? (query.dispatched === true ? "own tokens" : "all tokens") : query.op,
  );
}

it("with as many ranks as a token has experts all tokens may go to all, and are sorted there", () => {
  expect(asked(8)).toEqual(expect.arrayContaining(["all tokens", "all-gather", "reduce-scatter"]));
});

it("with more ranks none goes but to its experts", () => {
  const ways = asked(16);
  expect(ways).toEqual(expect.arrayContaining(["own tokens", "all-to-all"]));
  expect(ways.filter((way) => way === "all-gather" || way === "reduce-scatter" || way === "all tokens")).toEqual([]);
});

it("ranks that have all tokens already sort them all", () => expect(asked(16, 1)).toContain("all tokens"));
