import { type Bound, type Prices, rootBound } from "./bounds.ts";
import type { Hypergraph } from "./hypergraph.ts";
import { type RefuteOptions, ROUNDING, refute } from "./refute.ts";

/** A lower bound on its way up. */
export interface BoundSearch {
  readonly graph: Hypergraph;
  readonly prices: Prices;
  bound: Bound;
  /** Where between bound and best value the next limit lies, and moves an attempt may take. */
  share: number;
  attemptMoves: number;
  order: RefuteOptions["order"];
}

/** Moves of a first attempt, and by what it grows when even low limits stay open. */
const ATTEMPT_MOVES = 200_000;
const ATTEMPT_GROWTH = 4;
/** Shares at which attempts give way: above the first the limit is the best value itself, below the second attempts get more moves. */
const SHARE_WHOLE = 0.9;
const SHARE_LEAST = 0.02;

/** A search that knows the root's bound and has made no attempt yet. */
export function startBoundSearch(graph: Hypergraph): BoundSearch {
  return { graph, ...rootBound(graph), share: SHARE_WHOLE, attemptMoves: ATTEMPT_MOVES, order: "tightest" };
}

/**
 * One attempt to raise the bound: tries to rule out every assignment below a limit between it and the best value. Limits rise after success and fall
 * after failure. Returns an assignment where the attempt met one below the limit instead.
 */
export function raiseBound(
  search: BoundSearch,
  best: number,
  options: Omit<RefuteOptions, "order">,
): { readonly deviceOf: Int32Array | undefined; readonly moves: number } {
  const { bound, share } = search;
  const limit = share >= SHARE_WHOLE ? best : bound.value + share * (best - bound.value);
  const moves = Math.min(search.attemptMoves, options.moves);
  const tried = refute(search.graph, search.prices, limit, { ...options, moves, order: search.order });
  if (tried.outcome === "none") {
    search.bound = { value: limit * (1 - ROUNDING), method: "search" };
    search.share = (1 + share) / 2;
  } else if (tried.outcome === "open") {
    if (search.order === "tightest") search.order = "largest";
    else {
      search.order = "tightest";
      search.share = share / 2;
      if (search.share < SHARE_LEAST) {
        search.share = SHARE_WHOLE;
        search.attemptMoves *= ATTEMPT_GROWTH;
      }
    }
  }
  return { deviceOf: tried.outcome === "found" ? tried.deviceOf : undefined, moves: tried.moves };
}
