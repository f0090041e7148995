import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";

/** A replica as routing sees it. */
export interface RoutedReplica {
  readonly index: number;
  readonly rules: { readonly maxBatchedTokens: number; readonly maxSequences: number };
  readonly runningCount: number;
  readonly waiting: { readonly size: number };
  /** Prompt tokens still to be computed of all that is there. */
  readonly backlogTokens: number;
  /** Tokens of text of the running requests. */
  readonly contextTokens: number;
}

/** One question of routing; reused from request to request, so that asking allocates nothing. */
export interface RouteQuestion {
  promptTokens: number;
  /** Output to expect: routing does not know a request's own. */
  expectedTokens: number;
  /** Replicas that may take it, by index; the first `candidateCount` count. */
  readonly candidates: Int32Array;
  candidateCount: number;
  /** Prompt tokens that each replica has in its cache, by index of the replica; filled where `needsMatch`. */
  readonly cachedTokens: Int32Array;
  readonly replicas: readonly RoutedReplica[];
  readonly costs: readonly IterationCost[];
  /** Counted up by `round-robin`. */
  turn: number;
}

export interface ServingRouting {
  readonly name: string;
  readonly needsMatch: boolean;
  /** Index of the replica that gets the request. Complexity: linear in the candidates, no allocation. */
  choose(question: RouteQuestion): number;
}

/** Requests a replica has taken and not ended. */
export function loadOf(replica: RoutedReplica): number {
  return replica.runningCount + replica.waiting.size;
}

/** The candidate with the fewest requests; ties by index. */
export function leastLoadedOf({ candidates, candidateCount, replicas }: RouteQuestion): number {
  let best = candidates[0]!;
  let least = loadOf(replicas[best]!);
  for (let i = 1; i < candidateCount; i++) {
    const at = candidates[i]!;
    const load = loadOf(replicas[at]!);
    if (load < least) {
      best = at;
      least = load;
    }
  }
  return best;
}
