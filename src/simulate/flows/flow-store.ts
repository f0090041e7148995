/**
 * Flows under way as columns of slots, and for each link the list of places where a flow's path crosses it.
 *
 * A place is `slot * stride + hop`; lists are doubly linked through places, so that a flow leaves in O(hops).
 */
export interface FlowStore {
  /** Hops a path may have, a power of 2 that grows, and its logarithm: the slot of a place is `place >> shift`. */
  stride: number;
  shift: number;
  /** Slots ever used. */
  used: number;
  flow: Float64Array;
  hops: Int32Array;
  priority: Int32Array;
  weight: Float64Array;
  /** Units: bytes/ns. */
  rateMax: Float64Array;
  rate: Float64Array;
  /** Bytes not moved at `at`. */
  left: Float64Array;
  at: Float64Array;
  /** Order of start: breaks ties. */
  rank: Float64Array;
  /** By place: its link, and its neighbours in the link's list. */
  link: Int32Array;
  next: Int32Array;
  previous: Int32Array;
  /** By link: first place, -1 when no flow crosses it. */
  readonly head: Int32Array;
  readonly free: number[];
}

const FIRST_SLOTS = 64;
const FIRST_SHIFT = 2;
const FIRST_STRIDE = 1 << FIRST_SHIFT;

/** Flows in typed arrays, each in the list of every link it crosses. */
export function flowStore(links: number): FlowStore {
  const places = FIRST_SLOTS * FIRST_STRIDE;
  return {
    stride: FIRST_STRIDE,
    shift: FIRST_SHIFT,
    used: 0,
    flow: new Float64Array(FIRST_SLOTS),
    hops: new Int32Array(FIRST_SLOTS),
    priority: new Int32Array(FIRST_SLOTS),
    weight: new Float64Array(FIRST_SLOTS),
    rateMax: new Float64Array(FIRST_SLOTS),
    rate: new Float64Array(FIRST_SLOTS),
    left: new Float64Array(FIRST_SLOTS),
    at: new Float64Array(FIRST_SLOTS),
    rank: new Float64Array(FIRST_SLOTS),
    link: new Int32Array(places),
    next: new Int32Array(places),
    previous: new Int32Array(places),
    head: new Int32Array(links).fill(-1),
    free: [],
  };
}

/** A slot with its path entered in the lists of its links; the other columns are the caller's to fill. */
export function addFlow(store: FlowStore, path: ArrayLike<number>): number {
  if (path.length > store.stride) widen(store, path.length);
  const slot = store.free.pop() ?? store.used++;
  if (slot >= store.hops.length) lengthen(store);
  store.hops[slot] = path.length;
  for (let hop = 0; hop < path.length; hop++) enter(store, slot * store.stride + hop, path[hop]!);
  return slot;
}

/** Takes a flow out of the lists of its links and frees its slot. */
export function dropFlow(store: FlowStore, slot: number): void {
  const first = slot * store.stride;
  for (let place = first; place < first + store.hops[slot]!; place++) {
    const next = store.next[place]!;
    const previous = store.previous[place]!;
    if (next !== -1) store.previous[next] = previous;
    if (previous !== -1) store.next[previous] = next;
    else store.head[store.link[place]!] = next;
  }
  store.hops[slot] = 0;
  store.free.push(slot);
}

function enter(store: FlowStore, place: number, link: number): void {
  const first = store.head[link]!;
  store.link[place] = link;
  store.next[place] = first;
  store.previous[place] = -1;
  if (first !== -1) store.previous[first] = place;
  store.head[link] = place;
}

function lengthen(store: FlowStore): void {
  const slots = store.hops.length * 2;
  const places = slots * store.stride;
  store.flow = longer(store.flow, slots);
  store.weight = longer(store.weight, slots);
  store.rateMax = longer(store.rateMax, slots);
  store.rate = longer(store.rate, slots);
  store.left = longer(store.left, slots);
  store.at = longer(store.at, slots);
  store.rank = longer(store.rank, slots);
  store.hops = longerInts(store.hops, slots);
  store.priority = longerInts(store.priority, slots);
  store.link = longerInts(store.link, places);
  store.next = longerInts(store.next, places);
  store.previous = longerInts(store.previous, places);
}

/** Longer paths: places are numbered anew, and the lists with them. */
function widen(store: FlowStore, hops: number): void {
  const old = store.stride;
  let shift = store.shift;
  while (1 << shift < hops) shift += 1;
  const stride = 1 << shift;
  const renamed = (place: number): number => (place === -1 ? -1 : Math.floor(place / old) * stride + (place % old));
  const places = store.hops.length * stride;
  const link = new Int32Array(places);
  const next = new Int32Array(places);
  const previous = new Int32Array(places);
  for (let slot = 0; slot < store.used; slot++) {
    for (let hop = 0; hop < store.hops[slot]!; hop++) {
      const from = slot * old + hop;
      const to = slot * stride + hop;
      link[to] = store.link[from]!;
      next[to] = renamed(store.next[from]!);
      previous[to] = renamed(store.previous[from]!);
    }
  }
  for (let l = 0; l < store.head.length; l++) store.head[l] = renamed(store.head[l]!);
  store.stride = stride;
  store.shift = shift;
  store.link = link;
  store.next = next;
  store.previous = previous;
}

function longer(array: Float64Array, length: number): Float64Array {
  const result = new Float64Array(length);
  result.set(array);
  return result;
}

function longerInts(array: Int32Array, length: number): Int32Array {
  const result = new Int32Array(length);
  result.set(array);
  return result;
}
