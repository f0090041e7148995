import type { ReplicaView, RoutedRequest, RoutePrice, RoutingPolicy } from "../routing.ts";

/**
 * Tokens a request is expected to generate when it allows more: outputs are unknown in advance, and a client's limit is often far above what
 * comes. It only weighs decode time against prefill time; a wrong value cannot break a result.
 */
const EXPECTED_OUTPUT_TOKENS = 128;
/** Context at which decode steps are priced. */
const PRICED_CONTEXT_TOKENS = 256;

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
  const output = Math.min(request.maxNewTokens, EXPECTED_OUTPUT_TOKENS);
  const backlogNs = prefillNs(view, view.backlogTokens, 0);
  const own = prefillNs(view, request.promptTokens - view.cachedTokens, view.cachedTokens);
  const alongside = Math.min(view.assigned, view.maxSequences - 1);
  const before = decodeStepNs(view, alongside);
  const beside = decodeStepNs(view, alongside + 1);
  // Whoever finds no lane waits for one: about its share of the outputs before it.
  const queued = Math.max(0, view.assigned - view.maxSequences + 1) / view.maxSequences;
  const decodeNs = output * beside * (1 + queued);
  const loadLeftNs = alongside * (output * (beside - before) + own);
  return { replica: view.replica, totalNs: backlogNs + own + decodeNs + loadLeftNs, backlogNs, prefillNs: own, decodeNs, loadLeftNs };
}

function prefillNs(view: ReplicaView, tokens: number, context: number): number {
  if (tokens <= 0) return 0;
  return sumOverStages(view, { prefill: [{ count: tokens, context }], decodeContexts: [], sampledRows: 1 });
}

function decodeStepNs(view: ReplicaView, streams: number): number {
  if (streams <= 0) return 0;
  const decodeContexts = new Array<number>(streams).fill(PRICED_CONTEXT_TOKENS);
  return sumOverStages(view, { prefill: [], decodeContexts, sampledRows: streams });
}

function sumOverStages(view: ReplicaView, shape: Parameters<ReplicaView["cost"]["stageNs"]>[1]): number {
  let total = 0;
  for (let stage = 0; stage < view.stages; stage++) total += view.cost.stageNs(stage, shape);
  return total;
}
