import { exp, ln } from "../../base/math.ts";
import type { Prng } from "../../base/prng.ts";
import { applyMove, fits, type LoadState, maxLoad, moveDelta, reset } from "./loads.ts";

export interface Schedule {
  /** Moves tried. */
  readonly moves: number;
  /** Temperatures at the start and the end, as shares of the weight of one device at the largest load. */
  readonly hot: number;
  readonly cold: number;
}

/** -ln of 1024 evenly spread draws: the rises that annealing accepts are exponentially distributed. */
const NEGATIVE_LN = Float64Array.from({ length: 1024 }, (_zero, i) => -ln((i + 0.5) / 1024));
/** 2^-32. */
const U32_UNIT = 1 / 4294967296;
/** Moves between two changes of temperature. */
const STEP_MOVES = 512;

/**
 * Simulated annealing over single moves; leaves the best assignment met in `state` and returns its largest load.
 *
 * Model: minimises the sum over devices of (load / largest load at the start)^16, which near its minimum orders assignments like the largest load
 * does, but still rewards unloading the second largest. A vertex goes to the device of a neighbour, or now and then anywhere.
 * Complexity: O(nets of a vertex) a move, no allocation but when the best is improved.
 */
export function anneal(state: LoadState, prng: Prng, { moves, hot, cold }: Schedule): number {
  const { graph, loads, deviceOf, delta } = state;
  const devices = loads.length;
  let bestLoad = maxLoad(state);
  const best = deviceOf.slice();
  const scale = 1 / bestLoad;
  const steps = Math.max(1, Math.ceil(moves / STEP_MOVES));
  const cooling = steps === 1 ? 1 : exp(ln(cold / hot) / (steps - 1));
  let temperature = hot;
  for (let step = 0; step < steps; step++, temperature *= cooling) {
    for (let i = 0; i < STEP_MOVES; i++) {
      const vertex = draw(prng, graph.size);
      const from = deviceOf[vertex]!;
      const to = target(vertex);
      if (to === from || !fits(state, vertex, to)) continue;
      moveDelta(state, vertex, to);
      const before = weight(loads[from]! * scale) + weight(loads[to]! * scale);
      const rise = weight((loads[from]! + delta[0]!) * scale) + weight((loads[to]! + delta[1]!) * scale) - before;
      if (rise > 0 && rise > threshold(prng, temperature)) continue;
      applyMove(state, vertex, to);
      if (loads[from]! >= bestLoad || loads[to]! >= bestLoad) continue;
      const most = maxLoad(state);
      if (most >= bestLoad) continue;
      bestLoad = most;
      best.set(deviceOf);
    }
  }
  reset(state, best);
  return maxLoad(state);

  /** A device to move to. */
  function target(vertex: number): number {
    const { start, items } = graph.nets;
    const count = start[vertex + 1]! - start[vertex]!;
    const choice = prng.nextU32();
    if (count === 0 || (choice & 7) === 0) return (choice >>> 3) % devices;
    const net = items[start[vertex]! + ((choice >>> 3) % count)]!;
    const first = graph.pins.start[net]!;
    const pins = graph.pins.start[net + 1]! - first;
    return deviceOf[graph.pins.items[first + ((choice >>> 16) % pins)]!]!;
  }
}

/** x^16. */
function weight(x: number): number {
  const square = x * x;
  const fourth = square * square;
  const eighth = fourth * fourth;
  return eighth * eighth;
}

function draw(prng: Prng, bound: number): number {
  return (prng.nextU32() * bound * U32_UNIT) | 0;
}

/** The rise up to which a move is accepted. */
function threshold(prng: Prng, temperature: number): number {
  return temperature * NEGATIVE_LN[prng.nextU32() >>> 22]!;
}
