import type { BatchingChoice, BatchingPolicy, BatchingView } from "../batching.ts";

/**
 * First come, first served, without prices: every stream decodes, the oldest prompt proceeds, the next one is admitted when none is left.
 *
 * Why: the engine falls back to it when another policy fails, so it leans on as little as possible.
 */
export const firstCome: BatchingPolicy<null> = {
  name: "first-come",
  initial: null,
  decide: (view, own, { parameters }) => ({ choice: choose(view, parameters.maxChunkTokens), own }),
};

function choose(view: BatchingView, chunk: number): BatchingChoice {
  const decode: number[] = [];
  const prefill: { request: number; tokens: number }[] = [];
  for (let i = 0; i < view.running.length; i++) {
    const { request, decoding, inFlight, remaining } = view.running.at(i);
    if (inFlight) continue;
    if (decoding) decode.push(request);
    else if (prefill.length === 0) prefill.push({ request, tokens: Math.min(remaining, chunk) });
  }
  const admit: number[] = [];
  if (prefill.length === 0 && view.waiting.length > 0 && view.freeLanes > 0) {
    const { request, knownTokens, cachedTokens } = view.waiting.at(0);
    admit.push(request);
    prefill.push({ request, tokens: Math.min(knownTokens - cachedTokens, chunk) });
  }
  return { admit, preempt: [], decode, prefill };
}
