/** A flow network in flat arrays; the edge beside an edge (`e ^ 1`) is its reverse. */
export interface FlowNetwork {
  readonly nodes: number;
  /** Edges in use, reverse ones included. */
  edges: number;
  /** First edge of every node, -1 for none, and the next one of every edge. */
  readonly first: Int32Array;
  readonly next: Int32Array;
  readonly target: Int32Array;
  /** Capacity left. */
  readonly left: Float64Array;
  readonly level: Int32Array;
  readonly cursor: Int32Array;
  readonly queue: Int32Array;
}

/** An empty network with room for so many edges. */
export function flowNetwork(nodes: number, edgesMax: number): FlowNetwork {
  return {
    nodes,
    edges: 0,
    first: new Int32Array(nodes).fill(-1),
    next: new Int32Array(2 * edgesMax),
    target: new Int32Array(2 * edgesMax),
    left: new Float64Array(2 * edgesMax),
    level: new Int32Array(nodes),
    cursor: new Int32Array(nodes),
    queue: new Int32Array(nodes),
  };
}

/** Removes all edges. */
export function clearNetwork(network: FlowNetwork): void {
  network.first.fill(-1);
  network.edges = 0;
}

/** Adds an edge and returns its number; the flow over it is the capacity left on its reverse. */
export function addEdge(network: FlowNetwork, ends: { readonly from: number; readonly to: number }, capacity: number): number {
  const { first, next, target, left } = network;
  const edge = network.edges;
  target[edge] = ends.to;
  left[edge] = capacity;
  next[edge] = first[ends.from]!;
  first[ends.from] = edge;
  target[edge + 1] = ends.from;
  left[edge + 1] = 0;
  next[edge + 1] = first[ends.to]!;
  first[ends.to] = edge + 1;
  network.edges += 2;
  return edge;
}

/** Capacity that is rounding, in the unit of capacities. */
const NOTHING = 1e-9;

/**
 * Sends as much as can be from one node to another and returns it; the network keeps what is left.
 *
 * Complexity: O(nodes^2 x edges), far less on networks with few layers.
 * Source: Dinic, "Algorithm for solution of a problem of maximum flow in networks with power estimation" (1970).
 */
export function maxFlow(network: FlowNetwork, source: number, sink: number): number {
  let total = 0;
  while (levels(network, source, sink)) {
    network.cursor.set(network.first);
    for (let sent = push(network, source, sink, Infinity); sent > NOTHING; sent = push(network, source, sink, Infinity)) total += sent;
  }
  return total;
}

/** Distances from the source over what has capacity left; whether the sink is reached. */
function levels({ first, next, target, left, level, queue }: FlowNetwork, source: number, sink: number): boolean {
  level.fill(-1);
  level[source] = 0;
  queue[0] = source;
  for (let head = 0, tail = 1; head < tail; head++) {
    const node = queue[head]!;
    for (let edge = first[node]!; edge >= 0; edge = next[edge]!) {
      const to = target[edge]!;
      if (level[to]! >= 0 || left[edge]! <= NOTHING) continue;
      level[to] = level[node]! + 1;
      if (to === sink) return true;
      queue[tail++] = to;
    }
  }
  return false;
}

function push(network: FlowNetwork, node: number, sink: number, most: number): number {
  if (node === sink) return most;
  const { next, target, left, level, cursor } = network;
  let sent = 0;
  for (; cursor[node]! >= 0; cursor[node] = next[cursor[node]!]!) {
    const edge = cursor[node]!;
    const to = target[edge]!;
    if (level[to] !== level[node]! + 1 || left[edge]! <= NOTHING) continue;
    const part = push(network, to, sink, Math.min(most - sent, left[edge]!));
    if (part <= 0) continue;
    left[edge] = left[edge]! - part;
    left[edge ^ 1] = left[edge ^ 1]! + part;
    sent += part;
    if (most - sent <= NOTHING) return sent;
  }
  return sent;
}
