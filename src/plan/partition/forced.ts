import { type Clustering, leastTime } from "./coarsen.ts";
import { type Hypergraph, merged } from "./hypergraph.ts";

/** Clusters of vertices that share a device in every assignment with all loads at most `limit`. */
export function forcedClusters(graph: Hypergraph, limit: number): Clustering {
  let clusterOf = Int32Array.from({ length: graph.size }, (_zero, v) => v);
  let current = graph;
  for (;;) {
    const { parent, size } = joined(current, limit);
    if (size === current.size) return { clusterOf, size };
    clusterOf = clusterOf.map((cluster) => parent[cluster]!);
    current = merged(graph, clusterOf, size);
  }
}

/** One round: the pins of every net that cannot be cut become one. */
function joined(graph: Hypergraph, limit: number): { readonly parent: Int32Array; readonly size: number } {
  const parent = Int32Array.from({ length: graph.size }, (_zero, v) => v);
  const root = (v: number): number => {
    let at = v;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  for (let net = 0; net < graph.netCost.length; net++) {
    if (mayBeCut(graph, net, limit)) continue;
    for (let at = graph.pins.start[net]! + 1; at < graph.pins.start[net + 1]!; at++)
      parent[root(graph.pins.items[at]!)] = root(graph.pins.items[at - 1]!);
  }
  const number = new Map<number, number>();
  const numbered = parent.map((_parent, v) => {
    const at = root(v);
    if (!number.has(at)) number.set(at, number.size);
    return number.get(at)!;
  });
  return { parent: numbered, size: number.size };
}

/** A net is cut only where every pin can pay it, and not all of them on the only device of one type. */
function mayBeCut(graph: Hypergraph, net: number, limit: number): boolean {
  const kinds = graph.types.length;
  let shared = -1;
  let apart = false;
  for (let at = graph.pins.start[net]!; at < graph.pins.start[net + 1]!; at++) {
    const vertex = graph.pins.items[at]!;
    let affordable = 0;
    for (let t = 0; t < kinds; t++) {
      const { count, transferFactor } = graph.types[t]!;
      if (count === 0 || graph.times[vertex * kinds + t]! + transferFactor * graph.netCost[net]! > limit) continue;
      affordable++;
      if (count > 1 || (shared !== -1 && shared !== t)) apart = true;
      shared = t;
    }
    if (affordable === 0) return false;
  }
  return apart;
}

/** Vertices by their least time, largest first. */
export function largestOrder(graph: Hypergraph): Int32Array {
  const order = Array.from({ length: graph.size }, (_zero, v) => v);
  return Int32Array.from(order.sort((a, b) => leastTime(graph, b) - leastTime(graph, a) || a - b));
}

/** An order of vertices for placing one by one: each time the one that is bound most to those before it, then the one with most work. */
export function tightOrder(graph: Hypergraph): Int32Array {
  const order: number[] = [];
  const bound = new Float64Array(graph.size);
  const taken = new Uint8Array(graph.size);
  const touched = new Uint8Array(graph.netCost.length);
  while (order.length < graph.size) {
    let best = -1;
    for (let v = 0; v < graph.size; v++) {
      if (taken[v] === 1) continue;
      const better = best === -1 || bound[v]! > bound[best]! || (bound[v] === bound[best] && leastTime(graph, v) > leastTime(graph, best));
      if (better) best = v;
    }
    taken[best] = 1;
    order.push(best);
    for (let at = graph.nets.start[best]!; at < graph.nets.start[best + 1]!; at++) {
      const net = graph.nets.items[at]!;
      if (touched[net] === 1) continue;
      touched[net] = 1;
      for (let p = graph.pins.start[net]!; p < graph.pins.start[net + 1]!; p++) {
        const other = graph.pins.items[p]!;
        bound[other] = bound[other]! + graph.netCost[net]!;
      }
    }
  }
  return Int32Array.from(order);
}
