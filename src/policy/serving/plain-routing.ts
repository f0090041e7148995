import { seededPrng } from "../../base/prng.ts";
import { leastLoadedOf, type RouteQuestion, type ServingRouting } from "./serving-routing.ts";

/** In turn, whatever they hold. */
export const roundRobin: ServingRouting = {
  name: "round-robin",
  needsMatch: false,
  choose: (question) => question.candidates[question.turn++ % question.candidateCount]!,
};

/** A replica by chance, the same choices for the same seed. */
export function randomRouting(seed: number): ServingRouting {
  const prng = seededPrng(seed);
  return { name: "random", needsMatch: false, choose: ({ candidates, candidateCount }) => candidates[prng.nextBelow(candidateCount)]! };
}

/** The fewest requests, running and waiting. */
export const leastLoaded: ServingRouting = { name: "least-loaded", needsMatch: false, choose: leastLoadedOf };

/** Load is uneven where the largest is this far above the least, and by this factor. */
const UNEVEN_REQUESTS = 64;
const UNEVEN_FACTOR = 1.5;

function isUneven(least: number, most: number): boolean {
  return most - least > UNEVEN_REQUESTS && most > UNEVEN_FACTOR * least;
}

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
    return isUneven(least, most) || cachedTokens[best]! < MATCH_MIN * question.promptTokens ? leastLoadedOf(question) : best;
  },
};

/**
 * For a request with an adapter: the fewest requests among replicas that have it in a slot, else among those with a slot that nobody needs, while loads
 * are even (as above); otherwise, and without an adapter, the fewest requests.
 *
 * Source: the classes of the LoRA affinity scorer in kubernetes-sigs/gateway-api-inference-extension (adapter there, room for it, neither), with the
 * replicas' real slots and queues in place of scraped metrics.
 */
export const adapterAffinity: ServingRouting = {
  name: "adapter-affinity",
  needsMatch: false,
  choose(question: RouteQuestion): number {
    const { adapter, candidates, candidateCount, loads } = question;
    if (adapter === undefined) return leastLoadedOf(question);
    let most = 0;
    let least = Infinity;
    let best = -1;
    let bestClass = 0;
    for (let i = 0; i < candidateCount; i++) {
      const at = candidates[i]!;
      const load = loads[at]!;
      if (load > most) most = load;
      if (load < least) least = load;
      const place = adapter.loadNs(at) === 0 ? 2 : adapter.freeSlots(at) > 0 ? 1 : 0;
      if (best >= 0 && (place < bestClass || (place === bestClass && load >= loads[best]!))) continue;
      best = at;
      bestClass = place;
    }
    return isUneven(least, most) ? leastLoadedOf(question) : best;
  },
};
