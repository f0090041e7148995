import type { Hypergraph } from "./hypergraph.ts";

/** An assignment of vertices with its loads, kept up to date move by move. */
export interface LoadState {
  readonly graph: Hypergraph;
  readonly deviceOf: Int32Array;
  readonly loads: Float64Array;
  readonly bytes: Float64Array;
  /** Pins of net n on device d at `n * devices + d`. */
  readonly pinsOn: Int32Array;
  /** Devices that each net touches. */
  readonly spread: Int32Array;
  /** Transfer factor and memory of every device. */
  readonly factor: Float64Array;
  readonly memoryBytes: Float64Array;
  /** Answer of `moveDelta`: change of the load the vertex leaves, and of the one it joins. */
  readonly delta: Float64Array;
}

/** Loads of an assignment, kept step by step while vertices move. */
export function loadState(graph: Hypergraph, deviceOf: Int32Array): LoadState {
  const devices = graph.typeOf.length;
  const nets = graph.netCost.length;
  const state: LoadState = {
    graph,
    deviceOf: deviceOf.slice(),
    loads: new Float64Array(devices),
    bytes: new Float64Array(devices),
    pinsOn: new Int32Array(nets * devices),
    spread: new Int32Array(nets),
    factor: Float64Array.from(graph.typeOf, (type) => graph.types[type]!.transferFactor),
    memoryBytes: Float64Array.from(graph.typeOf, (type) => graph.types[type]!.memoryBytes),
    delta: new Float64Array(2),
  };
  recount(state);
  return state;
}

/** Takes another assignment over, and with it sheds what rounding left in the loads. */
export function reset(state: LoadState, deviceOf: Int32Array): void {
  state.deviceOf.set(deviceOf);
  recount(state);
}

/** Largest load. */
export function maxLoad({ loads }: LoadState): number {
  let most = 0;
  for (let d = 0; d < loads.length; d++) if (loads[d]! > most) most = loads[d]!;
  return most;
}

/** Whether a device supports a vertex and has room for it. */
export function fits(state: LoadState, vertex: number, device: number): boolean {
  const { graph } = state;
  if (state.bytes[device]! + graph.bytes[vertex]! > state.memoryBytes[device]!) return false;
  return graph.times[vertex * graph.types.length + graph.typeOf[device]!]! < Infinity;
}

/** Whether a device supports a vertex, with or without room for it. */
export function supports({ graph }: LoadState, vertex: number, device: number): boolean {
  return graph.times[vertex * graph.types.length + graph.typeOf[device]!]! < Infinity;
}

/** What a move to another device changes, into `delta`. Complexity: O(nets of the vertex). */
export function moveDelta(state: LoadState, vertex: number, to: number): void {
  const { graph, pinsOn, spread, factor, deviceOf, delta } = state;
  const from = deviceOf[vertex]!;
  const kinds = graph.types.length;
  const devices = factor.length;
  const { start, items } = graph.nets;
  let left = 0;
  let joined = 0;
  for (let at = start[vertex]!, end = start[vertex + 1]!; at < end; at++) {
    const net = items[at]!;
    const cost = graph.netCost[net]!;
    const here = spread[net]!;
    if (here === 1) {
      left += cost;
      joined += cost;
      continue;
    }
    const leaves = pinsOn[net * devices + from]! === 1;
    const joins = pinsOn[net * devices + to]! === 0;
    if (leaves) left -= cost;
    if (joins) joined += cost;
    else if (leaves && here === 2) joined -= cost;
  }
  delta[0] = left * factor[from]! - graph.times[vertex * kinds + graph.typeOf[from]!]!;
  delta[1] = joined * factor[to]! + graph.times[vertex * kinds + graph.typeOf[to]!]!;
}

/** Moves a vertex whose `moveDelta` was asked last. */
export function applyMove(state: LoadState, vertex: number, to: number): void {
  const { graph, pinsOn, spread, deviceOf, loads, bytes, delta } = state;
  const from = deviceOf[vertex]!;
  const devices = loads.length;
  loads[from] = loads[from]! + delta[0]!;
  loads[to] = loads[to]! + delta[1]!;
  bytes[from] = bytes[from]! - graph.bytes[vertex]!;
  bytes[to] = bytes[to]! + graph.bytes[vertex]!;
  deviceOf[vertex] = to;
  for (let at = graph.nets.start[vertex]!, end = graph.nets.start[vertex + 1]!; at < end; at++) {
    const net = graph.nets.items[at]!;
    const lost = --pinsOn[net * devices + from]!;
    const gained = ++pinsOn[net * devices + to]!;
    spread[net] = spread[net]! - (lost === 0 ? 1 : 0) + (gained === 1 ? 1 : 0);
  }
}

function recount({ graph, deviceOf, loads, bytes, pinsOn, spread, factor }: LoadState): void {
  const devices = loads.length;
  for (const counted of [loads, bytes, pinsOn, spread]) counted.fill(0);
  for (let v = 0; v < graph.size; v++) {
    const device = deviceOf[v]!;
    loads[device] = loads[device]! + graph.times[v * graph.types.length + graph.typeOf[device]!]!;
    bytes[device] = bytes[device]! + graph.bytes[v]!;
    for (let at = graph.nets.start[v]!; at < graph.nets.start[v + 1]!; at++) {
      const slot = graph.nets.items[at]! * devices + device;
      pinsOn[slot] = pinsOn[slot]! + 1;
    }
  }
  for (let net = 0; net < spread.length; net++) {
    for (let d = 0; d < devices; d++) if (pinsOn[net * devices + d]! > 0) spread[net] = spread[net]! + 1;
    if (spread[net]! < 2) continue;
    for (let d = 0; d < devices; d++) if (pinsOn[net * devices + d]! > 0) loads[d] = loads[d]! + factor[d]! * graph.netCost[net]!;
  }
}
