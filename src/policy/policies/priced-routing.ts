import type { Nanoseconds } from "../../base/units.ts";
import type { ReplicaView, RoutedRequest, RoutePrice, RoutingPolicy } from "../routing.ts";
import { stepNs } from "./step-price.ts";

/** Prompts are priced in chunks of this many tokens, as they are computed: near the sizes that calibration measures. */
const PRICED_CHUNK_TOKENS = 256;

/**
 * One price per replica, in ns: time until the request ends there (backlog, prefill of what is not cached, decode beside what runs) plus
 * the time it costs the others. Going to the state and recomputing elsewhere are thereby the same choice; there are no credits.
 */
export const pricedRouting: RoutingPolicy = {
  name: "priced",
  price: (request, candidates) =>
    candidates.map((view) => priceOf(request, view)).sort((a, b) => a.totalNs - b.totalNs || a.replica - b.replica),
};

function priceOf(request: RoutedRequest, view: ReplicaView): RoutePrice {
  const output = Math.min(request.maxNewTokens, request.expectedTokens);
  const backlogNs = prefillNs(view, view.backlogTokens, 0);
  const own = prefillNs(view, request.promptTokens - view.cachedTokens, view.cachedTokens);
  const alongside = Math.min(view.assigned, view.maxSequences - 1);
  const contexts = new Array<number>(alongside).fill(view.meanContextTokens);
  const before = decodeStepNs(view, contexts);
  contexts.push(request.promptTokens + (output >> 1));
  const beside = decodeStepNs(view, contexts);
  // Whoever finds no lane waits for one: about its share of the outputs before it.
  const queued = Math.max(0, view.assigned - view.maxSequences + 1) / view.maxSequences;
  const decodeNs = output * beside * (1 + queued);
  const loadLeftNs = alongside * (output * Math.max(0, beside - before) + own);
  return {
    replica: view.replica,
    totalNs: backlogNs + own + decodeNs + loadLeftNs,
    backlogNs,
    prefillNs: own,
    decodeNs,
    loadLeftNs,
  };
}

/** Time to prefill `tokens` after `context`, in chunks; attention grows evenly with the context, so the middle chunk stands for all. */
function prefillNs(view: ReplicaView, tokens: number, context: number): Nanoseconds {
  if (tokens <= 0) return 0;
  const count = Math.min(tokens, PRICED_CHUNK_TOKENS);
  const middle = context + ((tokens - count) >> 1);
  const chunk = stepNs(view.cost, { stages: view.stages, decodeContexts: [], prefill: [{ count, context: middle }] });
  return chunk * (tokens / count);
}

function decodeStepNs(view: ReplicaView, decodeContexts: readonly number[]): Nanoseconds {
  return decodeContexts.length === 0 ? 0 : stepNs(view.cost, { stages: view.stages, decodeContexts, prefill: [] });
}
