import type { Prices } from "./bounds.ts";
import { listsOf } from "./csr.ts";
import type { Hypergraph } from "./hypergraph.ts";

/** An assignment of the first vertices of an order: loads that can only grow, and the least price of every vertex left. */
export interface Partial {
  readonly graph: Hypergraph;
  readonly limit: number;
  readonly deviceOf: Int32Array;
  readonly loads: Float64Array;
  readonly bytes: Float64Array;
  /** Vertices on every device. */
  readonly used: Int32Array;
  /** Price of a unit of time and of a byte on every device, and its factor and memory. */
  readonly timePrice: Float64Array;
  readonly bytePrice: Float64Array;
  readonly factor: Float64Array;
  readonly memoryBytes: Float64Array;
  /** Pins of net n on device d at `n * devices + d`, devices each net touches, and its placed pins. */
  readonly pinsOn: Int32Array;
  readonly spread: Int32Array;
  readonly placed: Int32Array;
  /** Pins of every net in the order of placing: the first one left answers for what the net will still cost. */
  readonly ordered: Int32Array;
  /** Least price of each vertex left, 0 for those placed. */
  readonly rest: Float64Array;
  /** Overwritten values of `rest`, for taking back: vertex and value. */
  readonly trail: number[];
}

/** No vertex placed. Vertices come in `order`; branches whose load reaches `limit` end. */
export function emptyPartial(
  graph: Hypergraph,
  prices: Prices,
  { order, limit }: { readonly order: Int32Array; readonly limit: number },
): Partial {
  const { typeOf, types } = graph;
  const rank = new Int32Array(graph.size);
  order.forEach((v, at) => {
    rank[v] = at;
  });
  const nets = Array.from(graph.netCost, (_cost, net) => graph.pins.items.slice(graph.pins.start[net]!, graph.pins.start[net + 1]!));
  const partial: Partial = {
    graph,
    limit,
    deviceOf: new Int32Array(graph.size).fill(-1),
    loads: new Float64Array(typeOf.length),
    bytes: new Float64Array(typeOf.length),
    used: new Int32Array(typeOf.length),
    timePrice: Float64Array.from(typeOf, (t) => prices.time[t]!),
    bytePrice: Float64Array.from(typeOf, (t) => prices.bytes[t]!),
    factor: Float64Array.from(typeOf, (t) => types[t]!.transferFactor),
    memoryBytes: Float64Array.from(typeOf, (t) => types[t]!.memoryBytes),
    pinsOn: new Int32Array(graph.netCost.length * typeOf.length),
    spread: new Int32Array(graph.netCost.length),
    placed: new Int32Array(graph.netCost.length),
    ordered: listsOf(nets.map((pins) => pins.sort((a, b) => rank[a]! - rank[b]!))).items,
    rest: new Float64Array(graph.size),
    trail: [],
  };
  for (let v = 0; v < graph.size; v++) partial.rest[v] = restPrice(partial, v);
  return partial;
}

/** Whether a vertex may be placed on a device at all. */
export function allows({ graph, bytes, memoryBytes }: Partial, vertex: number, device: number): boolean {
  const time = graph.times[vertex * graph.types.length + graph.typeOf[device]!]!;
  return time < Infinity && bytes[device]! + graph.bytes[vertex]! <= memoryBytes[device]!;
}

/** Places a vertex; returns by how much the prices of the vertices left grew, less its own. */
export function put(partial: Partial, vertex: number, device: number): number {
  const { graph, deviceOf, loads, bytes, used, pinsOn, spread, placed, factor, rest, trail } = partial;
  const devices = loads.length;
  deviceOf[vertex] = device;
  used[device] = used[device]! + 1;
  bytes[device] = bytes[device]! + graph.bytes[vertex]!;
  loads[device] = loads[device]! + graph.times[vertex * graph.types.length + graph.typeOf[device]!]!;
  for (let at = graph.nets.start[vertex]!, end = graph.nets.start[vertex + 1]!; at < end; at++) {
    const net = graph.nets.items[at]!;
    placed[net] = placed[net]! + 1;
    if (pinsOn[net * devices + device]!++ > 0) continue;
    const cost = graph.netCost[net]!;
    if (spread[net]! > 0) loads[device] = loads[device]! + factor[device]! * cost;
    if (spread[net] === 1) {
      const other = soleDevice(partial, net, device);
      loads[other] = loads[other]! + factor[other]! * cost;
    }
    spread[net] = spread[net]! + 1;
  }
  let grown = -rest[vertex]!;
  trail.push(vertex, rest[vertex]!);
  rest[vertex] = 0;
  for (let at = graph.nets.start[vertex]!, end = graph.nets.start[vertex + 1]!; at < end; at++) {
    const net = graph.nets.items[at]!;
    const next = graph.pins.start[net]! + placed[net]!;
    if (next === graph.pins.start[net + 1]!) continue;
    const answering = partial.ordered[next]!;
    const price = restPrice(partial, answering);
    if (price === rest[answering]) continue;
    grown += price - rest[answering]!;
    trail.push(answering, rest[answering]!);
    rest[answering] = price;
  }
  return grown;
}

/** Takes the vertex back that was placed last; the caller restores `loads`, and gives the length of the trail before. */
export function take(partial: Partial, vertex: number, trailLength: number): void {
  const { graph, deviceOf, bytes, used, pinsOn, spread, placed, rest, trail, loads } = partial;
  const device = deviceOf[vertex]!;
  deviceOf[vertex] = -1;
  used[device] = used[device]! - 1;
  bytes[device] = bytes[device]! - graph.bytes[vertex]!;
  for (let at = graph.nets.start[vertex]!, end = graph.nets.start[vertex + 1]!; at < end; at++) {
    const net = graph.nets.items[at]!;
    placed[net] = placed[net]! - 1;
    const slot = net * loads.length + device;
    pinsOn[slot] = pinsOn[slot]! - 1;
    if (pinsOn[slot] === 0) spread[net] = spread[net]! - 1;
  }
  while (trail.length > trailLength) {
    const value = trail.pop()!;
    rest[trail.pop()!] = value;
  }
}

/** The cheapest place left for a vertex, with what the nets it answers for would charge there and to the device they leave. Infinity: none. */
function restPrice(partial: Partial, vertex: number): number {
  const { graph, loads, timePrice, bytePrice, factor, limit } = partial;
  let least = Infinity;
  for (let device = 0; device < loads.length; device++) {
    const time = graph.times[vertex * graph.types.length + graph.typeOf[device]!]!;
    if (time === Infinity || loads[device]! + time > limit) continue;
    let paid = 0;
    let others = 0;
    for (let at = graph.nets.start[vertex]!, end = graph.nets.start[vertex + 1]!; at < end; at++) {
      const net = graph.nets.items[at]!;
      if (partial.spread[net] === 0 || partial.pinsOn[net * loads.length + device]! > 0) continue;
      paid += graph.netCost[net]!;
      if (partial.ordered[graph.pins.start[net]! + partial.placed[net]!] !== vertex) continue;
      others += graph.netCost[net]! * timePrice[device]! * factor[device]!;
      if (partial.spread[net] !== 1) continue;
      const other = soleDevice(partial, net, device);
      others += graph.netCost[net]! * timePrice[other]! * factor[other]!;
    }
    if (loads[device]! + time + factor[device]! * paid > limit) continue;
    const price = timePrice[device]! * time + bytePrice[device]! * graph.bytes[vertex]! + others;
    if (price < least) least = price;
  }
  return least;
}

/** The one device that a net touches beside `not`. */
function soleDevice({ pinsOn, loads }: Partial, net: number, not: number): number {
  let device = 0;
  while (device === not || pinsOn[net * loads.length + device] === 0) device++;
  return device;
}
