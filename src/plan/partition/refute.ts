import type { Prices } from "./bounds.ts";
import { forcedClusters, largestOrder, tightOrder } from "./forced.ts";
import { type Hypergraph, merged } from "./hypergraph.ts";
import { allows, emptyPartial, type Partial, put, take } from "./partial.ts";
import { tooManyLarge } from "./pigeonhole.ts";

export interface RefuteOptions {
  /** Moves tried at most. */
  readonly moves: number;
  readonly shouldStop?: () => boolean;
  /** Which vertex is placed next: the largest, or the one bound most tightly to those before it. */
  readonly order: "largest" | "tightest";
}

/** `none`: no assignment has all loads below the limit. `found`: this one has. `open`: the search was stopped. */
export type Refutation =
  | { readonly outcome: "none" | "open"; readonly moves: number }
  | { readonly outcome: "found"; readonly deviceOf: Int32Array; readonly moves: number };

/** Moves between two questions whether to stop. */
const STOP_MOVES = 0xffff;
/** Sums differ in their last bits with the order of terms; what is within this share of the limit is not below it. */
export const ROUNDING = 1e-9;

/**
 * Looks for an assignment whose loads all stay below a limit, by trying all in depth-first order; where there is none, the limit less `ROUNDING` is a
 * lower bound.
 *
 * Model: vertices that cannot lie apart below the limit are merged first. Then one vertex after another is placed. A branch ends where a load reaches the limit, or where loads plus the least price of every vertex left exceed what all devices hold. That
 * least price counts, for each net, what its first vertex left pays for joining the devices the net touches. Devices of a type with nothing on them are
 * one choice.
 */
export function refute(graph: Hypergraph, prices: Prices, limit: number, options: RefuteOptions): Refutation {
  const clusters = forcedClusters(graph, limit);
  const small = merged(graph, clusters.clusterOf, clusters.size);
  if (tooManyLarge(small, limit * (1 - ROUNDING))) return { outcome: "none", moves: 0 };
  const found = search(small, prices, limit * (1 - ROUNDING), options);
  if (found.outcome !== "found") return found;
  return { ...found, deviceOf: clusters.clusterOf.map((cluster) => found.deviceOf[cluster]!) };
}

function search(graph: Hypergraph, prices: Prices, limit: number, options: RefuteOptions): Refutation {
  const order = options.order === "largest" ? largestOrder(graph) : tightOrder(graph);
  const partial = emptyPartial(graph, prices, { order, limit });
  const { loads, trail } = partial;
  const devices = loads.length;
  const capacity = capacityOf(graph, prices, limit);
  const saved = new Float64Array((graph.size + 1) * devices);
  let moves = 0;
  let stopped = false;
  /** Places vertex number `depth` of the order and all after it, given what the vertices left cost at least. */
  const place = (depth: number, rest: number): boolean => {
    if (depth === graph.size) return true;
    const vertex = order[depth]!;
    const trailLength = trail.length;
    saved.set(loads, depth * devices);
    let emptyTypes = 0;
    for (let device = 0; device < devices && !stopped; device++) {
      if (partial.used[device] === 0) {
        const type = 1 << graph.typeOf[device]!;
        if ((emptyTypes & type) !== 0) continue;
        emptyTypes |= type;
      }
      if (!allows(partial, vertex, device)) continue;
      moves++;
      if (moves >= options.moves || ((moves & STOP_MOVES) === 0 && options.shouldStop?.() === true)) stopped = true;
      const left = rest + put(partial, vertex, device);
      if (within(partial, left, capacity) && place(depth + 1, left)) return true;
      take(partial, vertex, trailLength);
      for (let d = 0; d < devices; d++) loads[d] = saved[depth * devices + d]!;
    }
    return false;
  };
  const total = partial.rest.reduce((sum, price) => sum + price, 0);
  if (total <= capacity * (1 + ROUNDING) && place(0, total)) return { outcome: "found", deviceOf: partial.deviceOf.slice(), moves };
  return { outcome: stopped ? "open" : "none", moves };
}

/** Whether loads keep the limit, and what is placed with what is left fits on all devices together. */
function within({ loads, bytes, timePrice, bytePrice, limit }: Partial, rest: number, capacity: number): boolean {
  let spent = rest;
  for (let d = 0; d < loads.length; d++) {
    if (loads[d]! > limit) return false;
    spent += timePrice[d]! * loads[d]!;
    if (bytePrice[d]! > 0) spent += bytePrice[d]! * bytes[d]!;
  }
  return spent <= capacity * (1 + ROUNDING);
}

/** What all devices hold at the limit, at the prices of the relaxation. */
function capacityOf({ types }: Hypergraph, { time, bytes }: Prices, limit: number): number {
  return types.reduce(
    (sum, { count, memoryBytes }, t) => sum + count * (limit * time[t]! + (bytes[t]! > 0 ? memoryBytes * bytes[t]! : 0)),
    0,
  );
}
