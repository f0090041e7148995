import { exp } from "../../base/math.ts";
import { seededPrng } from "../../base/prng.ts";
import { leastTime } from "./coarsen.ts";
import type { Hypergraph } from "./hypergraph.ts";

/** A value that no assignment is below, and why. */
export interface Bound {
  readonly value: number;
  readonly method: BoundMethod;
}

/** `vertex`: one group's least time. `work`: all work shared out without transfers. `search`: every assignment below it was ruled out. */
export type BoundMethod = "vertex" | "work" | "search";

/** Weights of the relaxation: price of a unit of time on each device of a type, and of a byte of it. */
export interface Prices {
  readonly time: Float64Array;
  readonly bytes: Float64Array;
}

/** Rounding of a sum, as a share of its terms. */
const SUM_ROUNDING = 1e-12;
/** Steps of the search for prices, and the largest logarithm of a factor at its start. */
const PRICE_STEPS = 1500;
const PRICE_WIDTH = 3;

/** The better of the two bounds that need no search, with the prices that give the second. */
export function rootBound(graph: Hypergraph): { readonly bound: Bound; readonly prices: Prices } {
  const prices = bestPrices(graph);
  const work = pricedBound(graph, prices);
  let vertex = 0;
  for (let v = 0; v < graph.size; v++) vertex = Math.max(vertex, leastTime(graph, v));
  return { bound: vertex >= work ? { value: vertex, method: "vertex" } : { value: work, method: "work" }, prices };
}

/**
 * Lower bound of the largest load at given prices.
 *
 * Model: the dual of the linear programme that may split vertices and moves data for free. For prices p >= 0 of time and q >= 0 of bytes,
 * sum over vertices of min over types (p time + q bytes) <= sum over devices of (p load + q bytes held) <= largest load x sum of p + sum of q memory.
 * Holds for any prices; at the best ones it equals the programme's optimum. Work that memory forces onto slow devices is in it.
 */
export function pricedBound(graph: Hypergraph, { time, bytes }: Prices): number {
  let devices = 0;
  let total = 0;
  let summed = 0;
  graph.types.forEach(({ count, memoryBytes }, t) => {
    devices += count * time[t]!;
    if (bytes[t]! > 0) total -= count * memoryBytes * bytes[t]!;
    summed = Math.max(summed, -total);
  });
  for (let v = 0; v < graph.size; v++) {
    const price = leastPrice(graph, { time, bytes }, v);
    if (price === Infinity) return Infinity;
    total += price;
    summed += price;
  }
  // Dear memory leaves a small difference of large sums: what rounding may have added is taken off.
  total -= summed * SUM_ROUNDING;
  return devices > 0 ? Math.max(0, total / devices) : 0;
}

function leastPrice({ types, times, bytes: held }: Hypergraph, { time, bytes }: Prices, vertex: number): number {
  let least = Infinity;
  for (let t = 0; t < types.length; t++) {
    const each = times[vertex * types.length + t]!;
    if (types[t]!.count > 0 && each < Infinity) least = Math.min(least, time[t]! * each + bytes[t]! * held[vertex]!);
  }
  return least;
}

/** Prices by search: each step multiplies all prices by factors drawn at a width that shrinks. Wherever it ends, the bound holds. */
function bestPrices(graph: Hypergraph): Prices {
  const prng = seededPrng(1);
  const kinds = graph.types.length;
  let best: Prices = { time: new Float64Array(kinds).fill(1), bytes: new Float64Array(kinds) };
  let bound = pricedBound(graph, best);
  const limited = graph.types.map(({ memoryBytes, count }) => memoryBytes < Infinity && memoryBytes > 0 && count > 0);
  const scale = graph.times.reduce((sum, time) => sum + (time < Infinity ? time : 0), 0);
  for (let step = 0; step < PRICE_STEPS; step++) {
    const width = PRICE_WIDTH * (1 - step / PRICE_STEPS);
    const factor = (): number => exp(width * (prng.nextFloat() * 2 - 1));
    const withBytes = prng.nextBelow(2) === 0;
    const tried: Prices = {
      time: best.time.map((price) => price * (prng.nextBelow(2) === 0 ? 1 : factor())),
      bytes: best.bytes.map((price, t) =>
        !withBytes || !limited[t] ? price : (price || scale / graph.types[t]!.memoryBytes / kinds) * factor(),
      ),
    };
    const reached = pricedBound(graph, tried);
    if (reached <= bound || reached === Infinity) continue;
    best = tried;
    bound = reached;
  }
  return best;
}
