import { exp, ln } from "../../base/math.ts";
import type { Prng } from "../../base/prng.ts";
import { applyMove, type LoadState, maxLoad, moveDelta, reset, supports } from "./loads.ts";

export interface Schedule {
  /** Moves tried. */
  readonly moves: number;
  /** Temperatures at the start and the end, as shares of the weight of one device at the largest load. */
  readonly hot: number;
  readonly cold: number;
  /** Price of holding twice what a device's memory takes, in the same unit; Infinity: memory is never exceeded on the way. */
  readonly memoryPrice: number;
  /** One trial in so many is an exchange of two vertices; 0: none. */
  readonly swapEvery: number;
  /** Load that counts as 1. */
  readonly unit: number;
}

/** -ln of 1024 evenly spread draws: the rises that annealing accepts are exponentially distributed. */
const NEGATIVE_LN = Float64Array.from({ length: 1024 }, (_zero, i) => -ln((i + 0.5) / 1024));
/** 2^-32. */
const U32_UNIT = 1 / 4294967296;
/** Moves between two changes of temperature. */
const STEP_MOVES = 512;

/**
 * Simulated annealing over moves of single vertices and exchanges of two; leaves the best assignment met in `state` and returns its largest
 * load. The start need not fit; where nothing that fits was met, `state` is left where the walk ended, and the answer is Infinity.
 *
 * Model: minimises the sum over devices of (load / unit)^16, which near its minimum orders assignments like the largest load
 * does, but still rewards unloading the second largest, plus a price for bytes beyond memory: where memory is tight, the way from one good assignment to
 * another leads through ones that do not fit. Only those that fit are kept. A vertex goes to the device of a neighbour, or now and then anywhere.
 * Complexity: O(nets of a vertex) a trial, no allocation but when the best is improved.
 */
export function anneal(state: LoadState, prng: Prng, schedule: Schedule): number {
  const { moves, hot, cold } = schedule;
  const { graph, deviceOf } = state;
  const over = state.bytes.map((held, device) => excess(state, device, held));
  const walk: Walk = {
    state,
    prng,
    scale: 1 / schedule.unit,
    temperature: hot,
    memoryPrice: schedule.memoryPrice,
    over,
    best: deviceOf.slice(),
    bestLoad: over.some((share) => share > 0) ? Infinity : maxLoad(state),
  };
  const steps = Math.max(1, Math.ceil(moves / STEP_MOVES));
  const cooling = steps === 1 ? 1 : exp(ln(cold / hot) / (steps - 1));
  for (let step = 0; step < steps; step++, walk.temperature *= cooling) {
    for (let i = 0; i < STEP_MOVES; i++) {
      const vertex = draw(prng, graph.size);
      if (schedule.swapEvery > 0 && i % schedule.swapEvery === 0) trySwap(walk, vertex, draw(prng, graph.size));
      else tryMove(walk, vertex, target(state, prng, vertex));
    }
  }
  if (walk.bestLoad === Infinity) return Infinity;
  reset(state, walk.best);
  return maxLoad(state);
}

interface Walk {
  readonly state: LoadState;
  readonly prng: Prng;
  readonly scale: number;
  temperature: number;
  readonly memoryPrice: number;
  /** Bytes beyond each device's memory, as a share of it. */
  readonly over: Float64Array;
  readonly best: Int32Array;
  bestLoad: number;
}

function tryMove(walk: Walk, vertex: number, to: number): void {
  const { state, scale } = walk;
  const { loads, delta, deviceOf, graph } = state;
  const from = deviceOf[vertex]!;
  if (to === from || !supports(state, vertex, to)) return;
  const held = graph.bytes[vertex]!;
  const lessOver = excess(state, from, state.bytes[from]! - held);
  const moreOver = excess(state, to, state.bytes[to]! + held);
  const grown = lessOver + moreOver - walk.over[from]! - walk.over[to]!;
  if (grown > 0 && walk.memoryPrice === Infinity) return;
  moveDelta(state, vertex, to);
  const before = weight(loads[from]! * scale) + weight(loads[to]! * scale);
  const after = weight((loads[from]! + delta[0]!) * scale) + weight((loads[to]! + delta[1]!) * scale);
  const rise = after - before + (grown === 0 ? 0 : grown * walk.memoryPrice);
  if (rise > 0 && rise > threshold(walk.prng, walk.temperature)) return;
  applyMove(state, vertex, to);
  walk.over[from] = lessOver;
  walk.over[to] = moreOver;
  keepBest(walk, from, to);
}

/** Exchanges the devices of two vertices, by way of a state that need not fit. */
function trySwap(walk: Walk, vertex: number, other: number): void {
  const { state, scale } = walk;
  const { loads, deviceOf, graph } = state;
  const from = deviceOf[vertex]!;
  const to = deviceOf[other]!;
  if (to === from || !supports(state, vertex, to) || !supports(state, other, from)) return;
  const difference = graph.bytes[vertex]! - graph.bytes[other]!;
  const lessOver = excess(state, from, state.bytes[from]! - difference);
  const moreOver = excess(state, to, state.bytes[to]! + difference);
  const grown = lessOver + moreOver - walk.over[from]! - walk.over[to]!;
  if (grown > 0 && walk.memoryPrice === Infinity) return;
  const loadFrom = loads[from]!;
  const loadTo = loads[to]!;
  moveDelta(state, vertex, to);
  applyMove(state, vertex, to);
  moveDelta(state, other, from);
  const { delta } = state;
  const after = weight((loads[from]! + delta[1]!) * scale) + weight((loads[to]! + delta[0]!) * scale);
  const rise = after - weight(loadFrom * scale) - weight(loadTo * scale) + (grown === 0 ? 0 : grown * walk.memoryPrice);
  if (rise > 0 && rise > threshold(walk.prng, walk.temperature)) {
    delta.fill(0);
    applyMove(state, vertex, from);
    loads[from] = loadFrom;
    loads[to] = loadTo;
    return;
  }
  applyMove(state, other, from);
  walk.over[from] = lessOver;
  walk.over[to] = moreOver;
  keepBest(walk, from, to);
}

function keepBest(walk: Walk, from: number, to: number): void {
  const { loads } = walk.state;
  if (loads[from]! >= walk.bestLoad || loads[to]! >= walk.bestLoad) return;
  const most = maxLoad(walk.state);
  if (most >= walk.bestLoad || walk.over.some((share) => share > 0)) return;
  walk.bestLoad = most;
  walk.best.set(walk.state.deviceOf);
}

/** Bytes beyond a device's memory, as a share of it. */
function excess({ memoryBytes }: LoadState, device: number, held: number): number {
  const room = memoryBytes[device]!;
  return held <= room ? 0 : room > 0 ? held / room - 1 : held;
}

/** A device to move to. */
function target({ graph, deviceOf, loads }: LoadState, prng: Prng, vertex: number): number {
  const { start, items } = graph.nets;
  const count = start[vertex + 1]! - start[vertex]!;
  const choice = prng.nextU32();
  if (count === 0 || (choice & 7) === 0) return (choice >>> 3) % loads.length;
  const net = items[start[vertex]! + ((choice >>> 3) % count)]!;
  const first = graph.pins.start[net]!;
  const pins = graph.pins.start[net + 1]! - first;
  return deviceOf[graph.pins.items[first + ((choice >>> 16) % pins)]!]!;
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
