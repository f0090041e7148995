import { type Prng, seededPrng } from "../../base/prng.ts";
import { anneal } from "./anneal.ts";
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
 * Improves an assignment, contiguous or not, by rounds of annealing, each first on random clusters and then on single vertices.
 *
 * Never worse than the seed; supports and memory limits of the seed are kept.
 * Source: simulated annealing; clusters that respect the current assignment are the V-cycles of multilevel hypergraph partitioning (Karypis and Kumar 1999).
 */
export function localSearch(graph: Hypergraph, seed: Int32Array, options: SearchOptions): Searched {
  const prng = seededPrng(options.seed);
  const state = loadState(graph, seed);
  let best: Searched = { deviceOf: seed.slice(), load: maxLoad(state), moves: 0 };
  let current = best;
  let moves = 0;
  for (let round = 0; moves < options.moves && best.load > (options.goal ?? 0); round++) {
    if (options.shouldStop?.() === true) break;
    const fresh = round % RESTART_ROUNDS === RESTART_ROUNDS - 1;
    const from = fresh ? best : current;
    const coarse = coarseRound(graph, prng, from);
    reset(state, coarse.deviceOf);
    const fine = { moves: FINE_MOVES, hot: pick(prng, FINE_HOT), cold: COLD };
    const load = anneal(state, prng, fine);
    moves += coarse.moves + fine.moves;
    if (load <= from.load * (1 + SLACK * prng.nextFloat())) current = { deviceOf: state.deviceOf.slice(), load, moves };
    if (load < best.load) best = { deviceOf: state.deviceOf.slice(), load, moves };
  }
  return { ...best, moves };
}

const COARSE_MOVES = 65_536;
const FINE_MOVES = 65_536;
const COARSE_HOT = [3, 1, 0.3, 0.1];
const FINE_HOT = [0.3, 0.1, 0.03, 0.01];
const COLD = 0.001;
/** Worse assignments than the current one that are taken over, as a share of the load. */
const SLACK = 0.02;
/** Rounds after which the search goes back to the best assignment. */
const RESTART_ROUNDS = 16;
/** Largest cluster, as a share of the largest load. */
const CLUSTER_SHARE = 0.6;

function coarseRound(graph: Hypergraph, prng: Prng, from: Searched): Searched {
  const floor = 2 * graph.typeOf.length;
  const target = floor + prng.nextBelow(Math.max(1, graph.size - floor));
  const clusters = coarsen(graph, prng, { target, limit: from.load * CLUSTER_SHARE, apart: from.deviceOf });
  const coarse = merged(graph, clusters.clusterOf, clusters.size);
  const seed = new Int32Array(clusters.size);
  clusters.clusterOf.forEach((cluster, v) => {
    seed[cluster] = from.deviceOf[v]!;
  });
  const state = loadState(coarse, seed);
  const load = anneal(state, prng, { moves: COARSE_MOVES, hot: pick(prng, COARSE_HOT), cold: COLD });
  return { deviceOf: clusters.clusterOf.map((cluster) => state.deviceOf[cluster]!), load, moves: COARSE_MOVES };
}

function pick(prng: Prng, values: readonly number[]): number {
  return values[prng.nextBelow(values.length)]!;
}
