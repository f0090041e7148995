import { type Prng, seededPrng } from "../../base/prng.ts";
import { anneal, type Schedule } from "./anneal.ts";
import { coarsen } from "./coarsen.ts";
import { type Hypergraph, merged } from "./hypergraph.ts";
import { loadState, maxLoad, reset } from "./loads.ts";

export interface SearchOptions {
  readonly seed: number;
  /** Moves tried at most. */
  readonly moves: number;
  /** Asked about every hundred thousand moves. */
  readonly shouldStop?: () => boolean;
  /** The search ends when the largest load is down to this. */
  readonly goal?: number;
}

export interface Searched {
  readonly deviceOf: Int32Array;
  readonly load: number;
  readonly moves: number;
}

/**
 * Improves an assignment, contiguous or not, by rounds of annealing, each first on random clusters and then on single vertices. A round starts from where
 * the last one ended; now and then from the best so far, or anew from a random assignment.
 *
 * Never worse than the seed; memory limits and supports are kept.
 * Source: simulated annealing; clusters that respect the current assignment are the V-cycles of multilevel hypergraph partitioning (Karypis and Kumar 1999).
 */
export function localSearch(graph: Hypergraph, seed: Int32Array, options: SearchOptions): Searched {
  const prng = seededPrng(options.seed);
  const state = loadState(graph, seed);
  let best: Searched = { deviceOf: seed.slice(), load: maxLoad(state), moves: 0 };
  let current = best;
  let moves = 0;
  const anewRounds = isTight(graph) ? ANEW_ROUNDS_TIGHT : ANEW_ROUNDS;
  for (let round = 0; moves < options.moves && best.load > (options.goal ?? 0); round++) {
    if (options.shouldStop?.() === true) break;
    const anew = round % anewRounds === anewRounds >> 1;
    if (round % RESTART_ROUNDS === 0) current = best;
    const coarse = coarseRound(graph, prng, { from: current, unit: best.load, anew });
    reset(state, coarse.deviceOf);
    const load = anneal(state, prng, { ...drawnSchedule(graph, prng, FINE_HOT), moves: FINE_MOVES, unit: best.load });
    moves += coarse.moves + FINE_MOVES;
    const kept = anew ? load < Infinity : load <= current.load * (1 + SLACK * prng.nextFloat());
    if (kept) current = { deviceOf: state.deviceOf.slice(), load, moves };
    if (load < best.load) best = { deviceOf: state.deviceOf.slice(), load, moves };
  }
  return { ...best, moves };
}

const COARSE_MOVES = 65_536;
const FINE_MOVES = 65_536;
const COARSE_HOT = [3, 1, 0.3, 0.1];
const FINE_HOT = [0.3, 0.1, 0.03, 0.01];
const COLD = 0.001;
/** Prices of bytes beyond memory, and one exchange in so many trials (0: none): drawn, because no value is best for all graphs. */
const MEMORY_PRICES = [0.25, 1, 4, 16];
const SWAP_EVERY = [0, 0, 4, 8];
/** The same where memory is tight: there, single moves are often barred. */
const SWAP_EVERY_TIGHT = [2, 4, 8];
/** Worse assignments than the current one that are taken over, as a share of the load. */
const SLACK = 0.02;
/** Rounds after which the search goes back to the best assignment, and between two starts anew: more of them where memory is tight. */
const RESTART_ROUNDS = 16;
const ANEW_ROUNDS = 16;
const ANEW_ROUNDS_TIGHT = 4;
/** Largest cluster, as a share of the largest load. */
const CLUSTER_SHARE = 0.6;

interface Start {
  readonly from: Searched;
  readonly unit: number;
  readonly anew: boolean;
}

function coarseRound(
  graph: Hypergraph,
  prng: Prng,
  { from, unit, anew }: Start,
): { readonly deviceOf: Int32Array; readonly moves: number } {
  const floor = 2 * graph.typeOf.length;
  const target = floor + prng.nextBelow(Math.max(1, graph.size - floor));
  const clusters = coarsen(graph, prng, { target, limit: unit * CLUSTER_SHARE, apart: anew ? undefined : from.deviceOf });
  const coarse = merged(graph, clusters.clusterOf, clusters.size);
  const seed = anew ? drawnDevices(coarse, prng) : new Int32Array(clusters.size);
  if (seed === undefined) return { deviceOf: from.deviceOf, moves: 0 };
  if (!anew) {
    clusters.clusterOf.forEach((cluster, v) => {
      seed[cluster] = from.deviceOf[v]!;
    });
  }
  const state = loadState(coarse, seed);
  anneal(state, prng, { ...drawnSchedule(graph, prng, COARSE_HOT), moves: COARSE_MOVES, unit });
  return { deviceOf: clusters.clusterOf.map((cluster) => state.deviceOf[cluster]!), moves: COARSE_MOVES };
}

/** A device for every vertex, drawn from those that support it, with room or without; `undefined` where some vertex has none. */
function drawnDevices(graph: Hypergraph, prng: Prng): Int32Array | undefined {
  const drawn = new Int32Array(graph.size);
  for (let v = 0; v < graph.size; v++) {
    const able = Array.from(graph.typeOf.keys()).filter((d) => graph.times[v * graph.types.length + graph.typeOf[d]!]! < Infinity);
    if (able.length === 0) return undefined;
    drawn[v] = able[prng.nextBelow(able.length)]!;
  }
  return drawn;
}

function drawnSchedule(graph: Hypergraph, prng: Prng, hot: readonly number[]): Omit<Schedule, "moves" | "unit"> {
  const swapEvery = pick(prng, isTight(graph) ? SWAP_EVERY_TIGHT : SWAP_EVERY);
  return { hot: pick(prng, hot), cold: COLD, memoryPrice: pick(prng, MEMORY_PRICES), swapEvery };
}

/** Whether the graph fills a good part of all memory together. */
function isTight({ bytes, types }: Hypergraph): boolean {
  const held = bytes.reduce((sum, each) => sum + each, 0);
  const room = types.reduce((sum, { count, memoryBytes }) => sum + count * Math.min(memoryBytes, held), 0);
  return held > TIGHT_SHARE * room;
}

const TIGHT_SHARE = 0.25;

function pick(prng: Prng, values: readonly number[]): number {
  return values[prng.nextBelow(values.length)]!;
}
