import { exp, ln } from "../../base/math.ts";
import { ok } from "../../base/result.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import type { ExpertQuery } from "../operator/operator-query.ts";

/**
 * Prices experts whose tokens fall on them at random, from prices of tokens dealt out evenly, which is how tables are measured.
 *
 * Model: of N experts with k a token, T tokens touch N (1 - (1 - k / N)^T); dealt out evenly, that many are touched by fewer tokens, whose price is
 * that of reading as many weights. Tokens beyond those that touch all experts evenly add what they add there.
 * Other queries, and loads that are skewed by themselves, are passed on.
 */
export function randomRouting(operators: OperatorModel): OperatorModel {
  return {
    source: operators.source,
    price(query) {
      if (query.op !== "experts" || query.load !== "balanced") return operators.price(query);
      const full = query.experts / query.active;
      const touching = operators.price({ ...query, tokens: evenTokens(query) });
      if (!touching.ok || query.tokens <= full) return touching;
      const all = operators.price(query);
      if (!all.ok) return all;
      const touched = operators.price({ ...query, tokens: full });
      if (!touched.ok) return touched;
      return ok({ ...all.value, ns: touching.value.ns + Math.max(0, all.value.ns - touched.value.ns) });
    },
  };
}

/** Tokens that, dealt out evenly, touch as many experts as `tokens` do at random. */
function evenTokens({ tokens, experts, active }: ExpertQuery): number {
  if (active >= experts) return tokens;
  const touched = experts * (1 - exp(tokens * ln(1 - active / experts)));
  return touched / active;
}
