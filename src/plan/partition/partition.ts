import { assert, must } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { raiseBound, startBoundSearch } from "./bound-search.ts";
import type { Bound } from "./bounds.ts";
import { type ContiguousSplit, contiguousSplit } from "./contiguous.ts";
import { type Contraction, contract, expanded, grouped } from "./contract.ts";
import { breachesOf, evaluate } from "./evaluate.ts";
import { loadState, maxLoad } from "./loads.ts";
import { localSearch } from "./local-search.ts";
import type { Assignment, PartitionProblem } from "./problem.ts";
import { refute } from "./refute.ts";
import { type Stage, stagesHold, stagesOf } from "./stages.ts";

export interface PartitionOptions {
  readonly seed?: number;
  /** Moves of search and bound together at most. */
  readonly moves?: number;
  /** Asked now and then; the answer is the best so far. */
  readonly shouldStop?: () => boolean;
  /** An assignment that keeps the rules: the answer is never worse. */
  readonly start?: Assignment;
  /** Only splits whose parts follow one another: the best contiguous one, with the bound for all placements. `start` counts for nothing then. */
  readonly contiguous?: boolean;
}

export interface Partition {
  readonly assignment: Assignment;
  /** Largest load, from the evaluator. */
  readonly value: number;
  readonly bound: Bound;
  /** (value - bound) / value: 0 where the value is proven to be the least. */
  readonly gap: number;
  /** What found the assignment. */
  readonly method: PartitionMethod;
  /** Value and method of the contiguous split, where one exists. */
  readonly contiguous: { readonly value: number; readonly method: ContiguousSplit["method"] } | undefined;
  /** Certificate: an order of stages such that no edge leads back. */
  readonly stages: readonly Stage[];
  readonly moves: number;
}

export type PartitionMethod = "start" | "contiguous" | "local-search" | "exhaustive-search";

/** No assignment keeps support and memory: proven, or not found within the moves. */
export interface NoPlacement {
  readonly code: "no-placement";
  readonly proven: boolean;
}

const MOVES = 20_000_000;
/** Moves of local search between two attempts at the bound. */
const ROUND_MOVES = 2_100_000;
/** Attempts at the bound in a row, and the moves after which no other one begins. */
const ATTEMPTS = 20;
const BOUND_MOVES = 400_000;
/** Moves of the search for a first assignment where no contiguous split exists. */
const FIRST_MOVES = 2_000_000;
/** Rounds of attempts at the bound where a contiguous split is all that is asked for. */
const CONTIGUOUS_ROUNDS = 8;
/** A gap that is rounding. */
const GAP_ZERO = 1e-8;

/** The best assignment so far, of groups. */
interface Best {
  readonly deviceOf: Int32Array;
  readonly value: number;
  readonly method: PartitionMethod;
}

/**
 * Places a graph on devices so that the largest load is least: contracts what must lie together, takes the best contiguous split, improves it by local
 * search over all splits, and by turns raises a lower bound until the two meet or the moves are spent.
 *
 * Errors: `no-placement`.
 * Source: Tarnawski et al., NeurIPS 2020, for the objective and the contiguous part.
 */
export function partition(problem: PartitionProblem, options: PartitionOptions = {}): Result<Partition, NoPlacement> {
  const contraction = contract(problem);
  const split = contiguousSplit(contraction, { objective: "largest", ...stopOf(options) });
  if (split === undefined && options.contiguous === true) return err({ code: "no-placement", proven: false });
  const given = options.start === undefined || options.contiguous === true ? undefined : startOf(problem, contraction, options.start);
  const seeds = [given, split === undefined ? undefined : { ...split, method: "contiguous" as const }].filter((seed) => seed !== undefined);
  const first = seeds.length === 0 ? firstAssignment(contraction, options) : ok(seeds.reduce((a, b) => (b.value < a.value ? b : a)));
  if (!first.ok) return first;
  const found = improve(contraction, first.value, options);
  const assignment = expanded(contraction.groupOf, found.best.deviceOf);
  const { maxLoad: value, breaches } = evaluate(problem, assignment);
  assert(breaches.length === 0, "a partition keeps support, memory and colours", breaches);
  const stages = must(stagesOf(problem, assignment), "a cycle has one device");
  assert(stagesHold(problem, assignment, stages), "no edge leads back to an earlier stage");
  const gap = value > 0 ? (value - found.bound.value) / value : 0;
  return ok({
    assignment,
    value,
    bound: found.bound,
    gap: gap < GAP_ZERO ? 0 : gap,
    method: found.best.method,
    contiguous: split === undefined ? undefined : { value: split.value, method: split.method },
    stages,
    moves: found.moves + (split?.moves ?? 0),
  });
}

function improve(
  { graph }: Contraction,
  first: Best,
  options: PartitionOptions,
): { readonly best: Best; readonly bound: Bound; readonly moves: number } {
  const movesMax = options.moves ?? MOVES;
  const bounds = startBoundSearch(graph);
  let best = first;
  let moves = 0;
  for (let round = 0; moves < movesMax && options.shouldStop?.() !== true; round++) {
    const until = moves + BOUND_MOVES;
    for (
      let attempt = 0;
      attempt < ATTEMPTS && moves < until && bounds.bound.value < best.value * (1 - GAP_ZERO) && moves < movesMax;
      attempt++
    ) {
      const raised = raiseBound(bounds, best.value, { moves: movesMax - moves, ...stopOf(options) });
      moves += raised.moves;
      if (raised.deviceOf !== undefined && options.contiguous === true) return { best, bound: bounds.bound, moves };
      if (raised.deviceOf !== undefined) best = better(graph, best, { deviceOf: raised.deviceOf, method: "exhaustive-search" });
      if (options.shouldStop?.() === true) break;
    }
    if (bounds.bound.value >= best.value * (1 - GAP_ZERO)) break;
    if (options.contiguous === true) {
      if (round === CONTIGUOUS_ROUNDS) break;
      continue;
    }
    const searched = localSearch(graph, best.deviceOf, {
      seed: (options.seed ?? 1) + round,
      moves: Math.min(ROUND_MOVES, movesMax - moves),
      goal: bounds.bound.value * (1 + GAP_ZERO),
      ...stopOf(options),
    });
    moves += searched.moves;
    best = better(graph, best, { deviceOf: searched.deviceOf, method: "local-search" });
  }
  return { best, bound: bounds.bound, moves };
}

function better(graph: Contraction["graph"], best: Best, { deviceOf, method }: Omit<Best, "value">): Best {
  const value = maxLoad(loadState(graph, deviceOf));
  return value < best.value * (1 - GAP_ZERO) ? { deviceOf, value, method } : best;
}

/** A given assignment, of groups. */
function startOf(problem: PartitionProblem, contraction: Contraction, start: Assignment): Best {
  const deviceOf = grouped(contraction, start);
  assert(breachesOf(problem, start).length === 0, "a start keeps support and memory");
  return { deviceOf, value: maxLoad(loadState(contraction.graph, deviceOf)), method: "start" };
}

/** Some assignment that keeps support and memory. */
function firstAssignment({ graph }: Contraction, options: PartitionOptions): Result<Best, NoPlacement> {
  const { prices } = startBoundSearch(graph);
  const everything = graph.times.reduce((sum, time) => sum + (time < Infinity ? time : 0), 0);
  const factor = graph.types.reduce((most, { transferFactor }) => Math.max(most, transferFactor), 0);
  const limit = 1 + everything + 2 * factor * graph.netCost.reduce((sum, cost) => sum + cost, 0);
  const tried = refute(graph, prices, limit, { moves: FIRST_MOVES, order: "largest", ...stopOf(options) });
  if (tried.outcome !== "found") return err({ code: "no-placement", proven: tried.outcome === "none" });
  return ok({ deviceOf: tried.deviceOf, value: maxLoad(loadState(graph, tried.deviceOf)), method: "exhaustive-search" });
}

function stopOf({ shouldStop }: PartitionOptions): { readonly shouldStop?: () => boolean } {
  return shouldStop === undefined ? {} : { shouldStop };
}
