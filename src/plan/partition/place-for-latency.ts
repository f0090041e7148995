import { assert } from "../../base/assert.ts";
import { ln } from "../../base/math.ts";
import { type Prng, seededPrng } from "../../base/prng.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { chainBound } from "./chain-bound.ts";
import { contiguousSplit } from "./contiguous.ts";
import { type Contraction, contract, expanded, grouped } from "./contract.ts";
import { breachesOf } from "./evaluate.ts";
import { latencyOf } from "./latency.ts";
import { applyMove, fits, type LoadState, loadState, moveDelta, reset } from "./loads.ts";
import type { NoPlacement, PartitionOptions } from "./partition.ts";
import type { Assignment, PartitionProblem } from "./problem.ts";

export interface LatencyPlacement {
  readonly assignment: Assignment;
  /** Time of one sample. */
  readonly value: number;
  /** No placement is faster: a path under memory and transfers (`chainBound`). */
  readonly bound: number;
  readonly gap: number;
  readonly method: "start" | "contiguous" | "local-search";
  readonly moves: number;
}

const MOVES = 20_000;
/** Sums differ in their last bits with the order of terms. */
const ROUNDING = 1e-9;
/** Rises that are accepted, as a share of the latency, at the start; they fall to nothing, and start again from the best after so many moves. */
const HOT = 0.02;
const CYCLE_MOVES = 5_000;

/**
 * Places a graph so that one sample passes soonest, each device behind a link running its part in one go: from the contiguous split with the least sum of
 * parts, by moves of single groups towards a neighbour's device.
 *
 * Errors: `no-placement`, never proven, where no contiguous split keeps memory and support.
 * Source: the latency objective of Tarnawski et al., NeurIPS 2020, section 4.
 */
export function placeForLatency(problem: PartitionProblem, options: PartitionOptions = {}): Result<LatencyPlacement, NoPlacement> {
  const contraction = contract(problem);
  const { shouldStop } = options;
  const split = contiguousSplit(contraction, { objective: "sum", ...(shouldStop === undefined ? {} : { shouldStop }) });
  const start = options.start === undefined || options.contiguous === true ? undefined : grouped(contraction, options.start);
  const starts = [split?.deviceOf, start].filter((one) => one !== undefined);
  if (starts.length === 0) return err({ code: "no-placement", proven: false });
  const time = (deviceOf: Int32Array): number => latencyOf(problem, expanded(contraction.groupOf, deviceOf));
  const from = starts.reduce((a, b) => (time(b) < time(a) ? b : a));
  const least = chainBound(problem, shouldStop);
  const found = anneal(problem, contraction, {
    ...options,
    ...(options.contiguous === true && { moves: 0 }),
    from,
    goal: least * (1 + ROUNDING),
  });
  const assignment = expanded(contraction.groupOf, found.deviceOf);
  const breaches = breachesOf(problem, assignment);
  assert(breaches.length === 0 && found.value < Infinity, "a placement keeps support, memory and colours, and can run", breaches);
  assert(least <= found.value * (1 + ROUNDING), "no placement is below the bound", [least, found.value]);
  const bound = Math.min(least, found.value);
  const gap = found.value > 0 ? (found.value - bound) / found.value : 0;
  return ok({
    assignment,
    value: found.value,
    bound,
    gap,
    method: found.improved ? "local-search" : from === start ? "start" : "contiguous",
    moves: found.moves,
  });
}

interface Annealed {
  readonly deviceOf: Int32Array;
  readonly value: number;
  readonly improved: boolean;
  readonly moves: number;
}

function anneal(
  problem: PartitionProblem,
  contraction: Contraction,
  options: PartitionOptions & { readonly from: Int32Array; readonly goal: number },
): Annealed {
  const prng = seededPrng(options.seed ?? 1);
  const state = loadState(contraction.graph, options.from);
  const latency = (): number => latencyOf(problem, expanded(contraction.groupOf, state.deviceOf));
  const first = latency();
  let current = first;
  let best = first;
  let deviceOf = state.deviceOf.slice();
  let moves = 0;
  for (; moves < (options.moves ?? MOVES) && best > options.goal && options.shouldStop?.() !== true; moves++) {
    if (moves % CYCLE_MOVES === 0 && current > best) {
      reset(state, deviceOf);
      current = best;
    }
    const temperature = HOT * best * (1 - (moves % CYCLE_MOVES) / CYCLE_MOVES);
    const vertex = prng.nextBelow(contraction.graph.size);
    const from = state.deviceOf[vertex]!;
    const to = target(state, prng, vertex);
    if (to === from || !fits(state, vertex, to)) continue;
    change(state, vertex, to);
    const tried = latency();
    if (tried - current > -temperature * ln(1 - prng.nextFloat())) {
      change(state, vertex, from);
      continue;
    }
    current = tried;
    if (tried >= best) continue;
    best = tried;
    deviceOf = state.deviceOf.slice();
  }
  return { deviceOf, value: best, improved: best < first, moves };
}

function change(state: LoadState, vertex: number, to: number): void {
  moveDelta(state, vertex, to);
  applyMove(state, vertex, to);
}

/** The device of a neighbour, or now and then any. */
function target({ graph, deviceOf }: LoadState, prng: Prng, vertex: number): number {
  const first = graph.nets.start[vertex]!;
  const count = graph.nets.start[vertex + 1]! - first;
  if (count === 0 || prng.nextBelow(ANYWHERE) === 0) return prng.nextBelow(graph.typeOf.length);
  const net = graph.nets.items[first + prng.nextBelow(count)]!;
  const pins = graph.pins.start[net]!;
  return deviceOf[graph.pins.items[pins + prng.nextBelow(graph.pins.start[net + 1]! - pins)]!]!;
}

/** One move in so many goes to any device. */
const ANYWHERE = 16;
