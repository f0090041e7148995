import type { Nanoseconds } from "../../base/units.ts";
import { emptyBatch, type IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { RoutedReplica, RouteQuestion, ServingRouting } from "./serving-routing.ts";
import { loadOf } from "./serving-routing.ts";

const shape = emptyBatch();

/**
 * One price a replica, in ns: the work before the request, the prefill of what is not cached there, its decode beside what runs, and the time
 * it costs the others. Going to the cache and computing elsewhere are the same choice, without credits: the terms of `pricedRouting`, on
 * iterations.
 */
export const pricedServing: ServingRouting = {
  name: "priced",
  needsMatch: true,
  choose(question: RouteQuestion): number {
    let best = question.candidates[0]!;
    let least = Infinity;
    for (let i = 0; i < question.candidateCount; i++) {
      const at = question.candidates[i]!;
      const price = priceOf(question, question.replicas[at]!, question.costs[at]!);
      if (price < least) {
        best = at;
        least = price;
      }
    }
    return best;
  },
};

function priceOf(question: RouteQuestion, replica: RoutedReplica, cost: IterationCost): number {
  const cached = Math.min(question.cachedTokens[replica.index]!, question.promptTokens - 1);
  const chunk = replica.rules.maxBatchedTokens;
  const backlogNs = prefillNs(cost, replica.backlogTokens, 0, chunk);
  const own = prefillNs(cost, question.promptTokens - cached, cached, chunk);
  const load = loadOf(replica);
  const places = replica.rules.maxSequences;
  const alongside = Math.min(load, places - 1);
  const mean = replica.runningCount === 0 ? 0 : replica.contextTokens / replica.runningCount;
  const before = decodeNs(cost, alongside, alongside * mean, mean);
  const context = question.promptTokens + question.expectedTokens / 2;
  const beside = decodeNs(cost, alongside + 1, alongside * mean + context, Math.max(mean, context));
  // Whoever finds no place waits for one: about its share of the outputs before it.
  const queued = Math.max(0, load - places + 1) / places;
  const decode = question.expectedTokens * beside * (1 + queued);
  const left = alongside * (question.expectedTokens * Math.max(0, beside - before) + own);
  return backlogNs + own + decode + left;
}

/** Time to prefill `tokens` after `context`, in chunks; attention grows evenly with the context, so the middle chunk stands for all. */
function prefillNs(cost: IterationCost, tokens: number, context: number, chunk: number): Nanoseconds {
  if (tokens <= 0) return 0;
  const count = Math.min(tokens, chunk);
  const middle = context + Math.floor((tokens - count) / 2);
  shape.prefills = 1;
  shape.prefillTokens = count;
  shape.prefillContext = count * middle;
  shape.prefillSquares = count * count;
  shape.decodes = 0;
  shape.decodeContext = 0;
  shape.decodeContextMax = 0;
  return cost.iterationNs(shape) * (tokens / count);
}

function decodeNs(cost: IterationCost, sequences: number, contexts: number, longest: number): Nanoseconds {
  if (sequences === 0) return 0;
  shape.prefills = 0;
  shape.prefillTokens = 0;
  shape.prefillContext = 0;
  shape.prefillSquares = 0;
  shape.decodes = sequences;
  shape.decodeContext = Math.round(contexts);
  shape.decodeContextMax = Math.round(longest);
  return cost.iterationNs(shape);
}
