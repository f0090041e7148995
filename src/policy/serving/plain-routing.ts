import { seededPrng } from "../../base/prng.ts";
import { leastLoadedOf, type RouteQuestion, type ServingRouting } from "./serving-routing.ts";

/** In turn, whatever they hold. */
export const roundRobin: ServingRouting = {
  name: "round-robin",
  needsMatch: false,
  choose: (question) => question.candidates[question.turn++ % question.candidateCount]!,
};

export function randomRouting(seed: number): ServingRouting {
  const prng = seededPrng(seed);
  return { name: "random", needsMatch: false, choose: ({ candidates, candidateCount }) => candidates[prng.nextBelow(candidateCount)]! };
}

/** The fewest requests, running and waiting. */
export const leastLoaded: ServingRouting = { name: "least-loaded", needsMatch: false, choose: leastLoadedOf };

/** Load is uneven where the largest is this far above the least, and by this factor. */
const UNEVEN_REQUESTS = 64;
const UNEVEN_FACTOR = 1.5;
/** A share of the prompt below this is not worth following. */
const MATCH_MIN = 0.3;

/**
 * The longest cached prefix while loads are even; otherwise, and where little is cached, the fewest requests.
 *
 * Source: the rule and thresholds of sgl-project/sglang's `cache_aware` router, with the replicas' real caches in place of its approximate tree.
 */
export const prefixAware: ServingRouting = {
  name: "prefix-aware",
  needsMatch: true,
  choose(question: RouteQuestion): number {
    const { candidates, candidateCount, loads, cachedTokens } = question;
    let most = 0;
    let least = Infinity;
    let best = -1;
    for (let i = 0; i < candidateCount; i++) {
      const at = candidates[i]!;
      const load = loads[at]!;
      if (load > most) most = load;
      if (load < least) least = load;
      if (best < 0 || cachedTokens[at]! > cachedTokens[best]! || (cachedTokens[at] === cachedTokens[best] && load < loads[best]!))
        best = at;
    }
    const uneven = most - least > UNEVEN_REQUESTS && most > UNEVEN_FACTOR * least;
    return uneven || cachedTokens[best]! < MATCH_MIN * question.promptTokens ? leastLoadedOf(question) : best;
  },
};
