import { inverted, type Lists, listsOf } from "./csr.ts";
import { type DeviceType, deviceTypes } from "./problem.ts";

/**
 * What decides loads, whatever the order of execution: vertices with work, and nets. A net is an output with its maker and its readers as pins; where
 * its pins lie on more than one device, each of these devices pays its cost once. That is the same whoever of them made it, so nets with equal pins
 * are one net.
 */
export interface Hypergraph {
  readonly types: readonly DeviceType[];
  /** Type of every device. */
  readonly typeOf: Int32Array;
  readonly size: number;
  /** Time of vertex v on type t at `v * types.length + t`. */
  readonly times: Float64Array;
  readonly bytes: Float64Array;
  readonly netCost: Float64Array;
  readonly pins: Lists;
  /** Nets of every vertex. */
  readonly nets: Lists;
}

/** A net before equal ones are joined. */
export interface Net {
  readonly pins: Iterable<number>;
  readonly cost: number;
}

export function hypergraphOf(
  types: readonly DeviceType[],
  vertices: { readonly size: number; readonly times: Float64Array; readonly bytes: Float64Array; readonly nets: Iterable<Net> },
): Hypergraph {
  const joined = new Map<string, { pins: number[]; cost: number }>();
  for (const { pins, cost } of vertices.nets) {
    const distinct = [...new Set(pins)].sort((a, b) => a - b);
    if (distinct.length < 2 || cost === 0) continue;
    const key = distinct.join();
    const same = joined.get(key);
    if (same === undefined) joined.set(key, { pins: distinct, cost });
    else same.cost += cost;
  }
  const nets = [...joined.values()];
  const pins = listsOf(nets.map((net) => net.pins));
  const { size, times, bytes } = vertices;
  const netCost = Float64Array.from(nets, ({ cost }) => cost);
  return { types, typeOf: deviceTypes(types), size, times, bytes, netCost, pins, nets: inverted(pins, size) };
}

/** The hypergraph whose vertices are the clusters of another's. */
export function merged(graph: Hypergraph, clusterOf: Int32Array, size: number): Hypergraph {
  const kinds = graph.types.length;
  const times = new Float64Array(size * kinds);
  const bytes = new Float64Array(size);
  for (let v = 0; v < graph.size; v++) {
    const cluster = clusterOf[v]!;
    bytes[cluster] = bytes[cluster]! + graph.bytes[v]!;
    for (let t = 0; t < kinds; t++) times[cluster * kinds + t] = times[cluster * kinds + t]! + graph.times[v * kinds + t]!;
  }
  const nets: Net[] = [];
  for (let net = 0; net < graph.netCost.length; net++) {
    const pins = graph.pins.items.subarray(graph.pins.start[net]!, graph.pins.start[net + 1]!);
    nets.push({ pins: Array.from(pins, (v) => clusterOf[v]!), cost: graph.netCost[net]! });
  }
  return hypergraphOf(graph.types, { size, times, bytes, nets });
}
