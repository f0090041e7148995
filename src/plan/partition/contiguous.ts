import { assert } from "../../base/assert.ts";
import { seededPrng } from "../../base/prng.ts";
import type { Contraction } from "./contract.ts";
import { type Hypergraph, merged } from "./hypergraph.ts";
import { chainLattice, idealLattice, type Lattice, reversed, topologicalOrder } from "./lattice.ts";
import { type LatticeSplit, type Replication, type SplitObjective, splitLattice } from "./lattice-split.ts";

export interface ContiguousOptions {
  readonly objective: SplitObjective;
  /** Ideals at most; beyond, and where the search is stopped, only splits of some linear orders are looked at. */
  readonly idealsMax?: number;
  readonly seed?: number;
  readonly shouldStop?: () => boolean;
  /** Lets several like devices share a piece. */
  readonly replication?: Replication;
}

export interface ContiguousSplit {
  /** Device of every group. */
  readonly deviceOf: Int32Array;
  /** Devices that share each piece, by its first device. */
  readonly replicasOf: Int32Array;
  readonly value: number;
  /** `ideals`: the best of all contiguous splits. `linear-orders`: the best found along some topological orders. */
  readonly method: "ideals" | "linear-orders";
  readonly moves: number;
}

const IDEALS_MAX = 50_000;
/** Orders tried, the shares of steps that follow what was just taken, and the entries of a table at most. */
const ORDERS = 24;
const DEEP = [1, 0.9, 0];
const TABLE_MAX = 4_000_000;

/**
 * A split whose parts follow one another: with one part a device, no path leaves a device and comes back, and the quotient graph is acyclic. For a
 * training graph that holds for the forward part; backward nodes lie with their forward partners.
 *
 * `undefined` where memory or support admits no such split.
 */
export function contiguousSplit(contraction: Contraction, options: ContiguousOptions): ContiguousSplit | undefined {
  assert(options.replication === undefined || options.objective === "largest", "replicas take turns: they shorten no sample's way");
  const graph = merged(contraction.graph, contraction.blockOf, contraction.blocks);
  const linear = alongOrders(graph, contraction, options);
  const states = graph.types.reduce((product, { count }) => product * (count + 1), 1);
  const idealsMax = Math.min(options.idealsMax ?? IDEALS_MAX, Math.floor(TABLE_MAX / states));
  const lattice = options.shouldStop?.() === true ? undefined : idealLattice(contraction.blockSuccessors, idealsMax);
  const all = lattice === undefined ? undefined : splitWith(graph, lattice, options, linear.value);
  const best = all?.deviceOf === undefined ? linear : all;
  const { deviceOf } = best;
  if (deviceOf === undefined) return undefined;
  return {
    deviceOf: contraction.blockOf.map((block) => deviceOf[block]!),
    replicasOf: best.replicasOf,
    value: Math.min(linear.value, all?.value ?? Infinity),
    method: all?.complete === true ? "ideals" : "linear-orders",
    moves: linear.moves + (all?.moves ?? 0),
  };
}

function alongOrders(graph: Hypergraph, { blockSuccessors }: Contraction, options: ContiguousOptions): LatticeSplit {
  const prng = seededPrng(options.seed ?? 0);
  const back = reversed(blockSuccessors);
  let best: LatticeSplit = { deviceOf: undefined, replicasOf: new Int32Array(0), value: Infinity, complete: true, moves: 0 };
  let moves = 0;
  for (let i = 0; i < ORDERS; i++) {
    if (i > 0 && options.shouldStop?.() === true) break;
    const deep = DEEP[(i >> 1) % DEEP.length]!;
    const order = i % 2 === 0 ? topologicalOrder(blockSuccessors, prng, deep) : topologicalOrder(back, prng, deep).reverse();
    const split = splitWith(graph, chainLattice(order), options, best.value);
    moves += split.moves;
    if (split.value < best.value) best = split;
  }
  return { ...best, moves };
}

function splitWith(graph: Hypergraph, lattice: Lattice, options: ContiguousOptions, below: number): LatticeSplit {
  const { objective, shouldStop, replication } = options;
  return splitLattice(graph, lattice, {
    objective,
    below,
    ...(shouldStop === undefined ? {} : { shouldStop }),
    ...(replication === undefined ? {} : { replication }),
  });
}
