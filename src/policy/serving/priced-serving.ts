import type { Nanoseconds } from "../../base/units.ts";
import { emptyBatch, type IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { AdapterView, RoutedReplica, RouteQuestion, ServingRouting } from "./serving-routing.ts";

const shape = emptyBatch();

/** The request's own prefill by tokens cached, for the kind at hand: many replicas of a fleet have the same of it. */
const MEMO_BITS = 6;
const MEMO_SHIFT = 32 - MEMO_BITS;
const memo = { cached: new Int32Array(1 << MEMO_BITS), ownNs: new Float64Array(1 << MEMO_BITS), idle: new Uint8Array(1 << MEMO_BITS) };
/** 2^32 / golden ratio. */
const GOLDEN = 0x9e3779b1;

/**
 * One price a replica, in ns: the work before the request, the prefill of what is not cached there, its decode beside what runs, and the time
 * it costs the others, its adapter's load included. Going to the cache and computing elsewhere are the same choice, without credits: the terms of `pricedRouting`, on
 * iterations.
 */
export const pricedServing: ServingRouting = {
  name: "priced",
  needsMatch: true,
  choose(question: RouteQuestion): number {
    const { candidates, candidateCount, replicas, costs, kinds, loads, cachedTokens, promptTokens, adapter } = question;
    let best = candidates[0]!;
    let least = Infinity;
    let pricedFor = -1;
    let floorNs = 0;
    let cost = costs[best]!;
    let chunk = 1;
    let places = 1;
    for (let i = 0; i < candidateCount; i++) {
      const at = candidates[i]!;
      const load = loads[at]!;
      const cached = Math.min(cachedTokens[at]!, promptTokens - 1);
      const place = Math.imul(cached, GOLDEN) >>> MEMO_SHIFT;
      // Idle replicas of one kind that have as much of its prompt are alike: the first of them stands for all.
      if (load === 0 && adapter === undefined && memo.idle[place] === 1 && memo.cached[place] === cached && kinds[at] === pricedFor)
        continue;
      if (kinds[at] !== pricedFor) {
        pricedFor = kinds[at]!;
        cost = costs[at]!;
        chunk = replicas[at]!.rules.maxBatchedTokens;
        places = replicas[at]!.rules.maxSequences;
        memo.cached.fill(-1);
        floorNs = decodeNs(cost, 1, promptTokens, promptTokens);
      }
      if (memo.cached[place] !== cached) {
        memo.cached[place] = cached;
        memo.idle[place] = 0;
        memo.ownNs[place] = prefillNs(cost, promptTokens - cached, cached, chunk);
      }
      const ownNs = memo.ownNs[place]!;
      const alongside = Math.min(load, places - 1);
      // What it costs at least, from what is at hand: most replicas of a large fleet are passed over here.
      if (ownNs * (1 + alongside) + question.expectedTokens * floorNs >= least) continue;
      const replica = replicas[at]!;
      const backlogNs = prefillNs(cost, replica.backlogTokens, 0, chunk);
      if (backlogNs + ownNs * (1 + alongside) + question.expectedTokens * floorNs >= least) continue;
      question.refresh(at);
      const adapterNs =
        adapter === undefined ? 0 : adapterPrice(question, adapter, at, (1 + alongside) * floorNs * question.expectedTokens);
      const price = backlogNs + ownNs * (1 + alongside) + decodePrice(question, replica, cost, load) + adapterNs;
      if (load === 0) memo.idle[place] = 1;
      if (price < least) {
        best = at;
        least = price;
      }
    }
    return best;
  },
};

/** Whoever runs waits while an adapter is loaded; where no slot is free, the request waits for one of as many as there are. */
function adapterPrice({ loads }: RouteQuestion, adapter: AdapterView, at: number, answerNs: Nanoseconds): Nanoseconds {
  const loadNs = adapter.loadNs(at);
  if (loadNs === 0) return 0;
  return loadNs * (1 + loads[at]!) + (adapter.freeSlots(at) > 0 ? 0 : answerNs / adapter.slots(at));
}

/** Its own decode beside what runs, and what that costs those. */
function decodePrice(question: RouteQuestion, replica: RoutedReplica, cost: IterationCost, load: number): Nanoseconds {
  const places = replica.rules.maxSequences;
  const alongside = Math.min(load, places - 1);
  const mean = replica.runningCount === 0 ? 0 : replica.contextTokens / replica.runningCount;
  const before = decodeNs(cost, alongside, alongside * mean, mean);
  const context = question.promptTokens + question.expectedTokens / 2;
  const beside = decodeNs(cost, alongside + 1, alongside * mean + context, Math.max(mean, context));
  // Whoever finds no place waits for one: about its share of the outputs before it.
  const queued = Math.max(0, load - places + 1) / places;
  return question.expectedTokens * (beside * (1 + queued) + alongside * Math.max(0, beside - before));
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
