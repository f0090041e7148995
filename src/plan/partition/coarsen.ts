import { ln } from "../../base/math.ts";
import type { Prng } from "../../base/prng.ts";
import type { Hypergraph } from "./hypergraph.ts";

export interface Clustering {
  readonly clusterOf: Int32Array;
  readonly size: number;
}

/**
 * Clusters vertices along nets drawn by cost, dear ones first but not always, down to about `target` clusters. With `apart`, vertices of different
 * value there are never joined, so an assignment carries over. `limit` caps the least time of a cluster.
 *
 * Why: a move of one vertex out of a tightly bound part pays for every net it cuts; the part as one vertex moves for free.
 */
export function coarsen(
  graph: Hypergraph,
  prng: Prng,
  { target, limit, apart }: { readonly target: number; readonly limit: number; readonly apart: Int32Array | undefined },
): Clustering {
  const nets = graph.netCost.length;
  const key = Float64Array.from({ length: nets }, (_zero, net) => -ln(prng.nextFloat() + Number.MIN_VALUE) / graph.netCost[net]!);
  const order = Array.from(key.keys()).sort((a, b) => key[a]! - key[b]!);
  const parent = Int32Array.from({ length: graph.size }, (_zero, v) => v);
  const weight = Float64Array.from({ length: graph.size }, (_zero, v) => leastTime(graph, v));
  const root = (v: number): number => {
    let at = v;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  let size = graph.size;
  for (let i = 0; i < nets && size > target; i++) {
    const first = graph.pins.start[order[i]!]!;
    const count = graph.pins.start[order[i]! + 1]! - first;
    const a = root(graph.pins.items[first + prng.nextBelow(count)]!);
    const b = root(graph.pins.items[first + prng.nextBelow(count)]!);
    if (a === b || weight[a]! + weight[b]! > limit || (apart !== undefined && apart[a] !== apart[b])) continue;
    parent[b] = a;
    weight[a] = weight[a]! + weight[b]!;
    size--;
  }
  const number = new Int32Array(graph.size).fill(-1);
  let found = 0;
  const clusterOf = parent.map((_parent, v) => {
    const at = root(v);
    if (number[at] === -1) number[at] = found++;
    return number[at]!;
  });
  return { clusterOf, size: found };
}

/** Time of a vertex on the device type that is fastest for it. */
export function leastTime({ times, types }: Hypergraph, vertex: number): number {
  let least = Infinity;
  for (let t = 0; t < types.length; t++) least = Math.min(least, times[vertex * types.length + t]!);
  return least;
}
