import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";

/** A replica as routing sees it. */
export interface RoutedReplica {
  readonly index: number;
  readonly rules: { readonly maxBatchedTokens: number; readonly maxSequences: number };
  readonly runningCount: number;
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
  /** Requests each replica has taken and not ended. */
  readonly loads: Int32Array;
  /** Replicas of one kind have the same cost and limits. */
  readonly kinds: Int32Array;
  readonly costs: readonly IterationCost[];
  /** What is known of the request's adapter (LoRA); undefined where it has none. */
  adapter: AdapterView | undefined;
  /** Counted up by `round-robin`. */
  turn: number;
  /** Brings `contextTokens` of a replica up to now; what else it shows is always so. */
  refresh(index: number): void;
}

/** Where a request's adapter is, by index of the replica. */
export interface AdapterView {
  /** Time until it is in a slot; 0 where it is, or a request sent before needs it there. Units: ns. */
  loadNs(replica: number): number;
  /** Slots that no adapter of a request there needs. */
  freeSlots(replica: number): number;
  slots(replica: number): number;
}

export interface ServingRouting {
  readonly name: string;
  readonly needsMatch: boolean;
  /** Index of the replica that gets the request. Complexity: linear in the candidates, no allocation. */
  choose(question: RouteQuestion): number;
}

/** The candidate with the fewest requests; ties by index. */
export function leastLoadedOf({ candidates, candidateCount, loads }: RouteQuestion): number {
  let best = candidates[0]!;
  let least = loads[best]!;
  for (let i = 1; i < candidateCount; i++) {
    const at = candidates[i]!;
    const load = loads[at]!;
    if (load < least) {
      best = at;
      least = load;
    }
  }
  return best;
}
