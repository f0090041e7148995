import { err, ok, type Result } from "../../base/result.ts";
import { type Constraint, type ConstraintError, constrained, type NamedProblem } from "./constraints.ts";
import { type NoPlacement, type Partition, type PartitionOptions, partition } from "./partition.ts";
import { type LatencyPlacement, placeForLatency } from "./place-for-latency.ts";
import type { Assignment, PartitionProblem } from "./problem.ts";
import { partitionReplicated, type ReplicatedPartition } from "./replicated.ts";

/** A value found, and one that none is below. */
export interface ValueAndBound {
  readonly value: number;
  readonly bound: number;
}

/** What one constraint costs: the best values found with it and without it. */
export interface ConstraintCost {
  readonly constraint: Constraint;
  readonly with: ValueAndBound;
  readonly without: ValueAndBound;
  /** Value with less value without; 0 where the constraint is free. Exact where both gaps are 0. */
  readonly cost: number;
  /** The cost lies between these, whatever the searches missed. */
  readonly costMin: number;
  readonly costMax: number;
}

/** A placement that keeps constraints; devices are numbered as in the problem given. */
export type Constrained<Found> = Found & { readonly costs: readonly ConstraintCost[] };

export interface ConstrainedOptions extends PartitionOptions {
  /** Moves of each search without one of the constraints; 0: costs are left out. */
  readonly costMoves?: number;
  /** Made when the search without one of them begins, and asked by it in place of `shouldStop`. */
  readonly costStop?: () => () => boolean;
}

const COST_MOVES = 2_000_000;

/** A search for placements, under either objective. */
interface Search<Found> {
  readonly solve: (problem: PartitionProblem, options: PartitionOptions) => Result<Found, NoPlacement>;
  readonly valueOf: (found: Found) => ValueAndBound;
  readonly renumbered: (found: Found, deviceOf: Int32Array) => Found;
}

const THROUGHPUT: Search<Partition> = {
  solve: partition,
  valueOf: ({ value, bound }) => ({ value, bound: bound.value }),
  renumbered: (found, deviceOf) => ({
    ...found,
    assignment: renumbered(found.assignment, deviceOf),
    stages: found.stages.map((stage) => ({ ...stage, device: deviceOf[stage.device]! })),
  }),
};

const LATENCY: Search<LatencyPlacement> = {
  solve: placeForLatency,
  valueOf: ({ value, bound }) => ({ value, bound }),
  renumbered: (found, deviceOf) => ({ ...found, assignment: renumbered(found.assignment, deviceOf) }),
};

/** Inference: weights do not change, so replicas have nothing to sum. */
const REPLICATED: Search<ReplicatedPartition> = {
  solve: (problem, { shouldStop }) =>
    partitionReplicated(problem, { replication: { syncPerByte: 0 }, ...(shouldStop === undefined ? {} : { shouldStop }) }),
  valueOf: ({ value, bound }) => ({ value, bound: bound.value }),
  renumbered: (found, deviceOf) => ({
    ...found,
    assignment: renumbered(found.assignment, deviceOf),
    stages: found.stages.map((stage) => ({ ...stage, devices: stage.devices.map((device) => deviceOf[device]!) })),
  }),
};

/**
 * Places a graph for throughput under constraints, and says what each of them costs: it is solved again without that one, starting from the placement found.
 *
 * Errors: those of `constrained`, before any search; `no-placement`.
 */
export function partitionConstrained(
  named: NamedProblem,
  constraints: readonly Constraint[],
  options: ConstrainedOptions = {},
): Result<Constrained<Partition>, ConstraintError | NoPlacement> {
  return solveConstrained(THROUGHPUT, named, constraints, options);
}

/** As `partitionConstrained`, in contiguous splits whose stages several like devices may share, each for its share of the samples. */
export function partitionReplicatedConstrained(
  named: NamedProblem,
  constraints: readonly Constraint[],
  options: ConstrainedOptions = {},
): Result<Constrained<ReplicatedPartition>, ConstraintError | NoPlacement> {
  return solveConstrained(REPLICATED, named, constraints, options);
}

/** Places a graph for latency under constraints, and says what each of them costs. Errors: as `partitionConstrained`. */
export function placeForLatencyConstrained(
  named: NamedProblem,
  constraints: readonly Constraint[],
  options: ConstrainedOptions = {},
): Result<Constrained<LatencyPlacement>, ConstraintError | NoPlacement> {
  return solveConstrained(LATENCY, named, constraints, options);
}

function solveConstrained<Found extends { readonly assignment: Assignment }>(
  search: Search<Found>,
  named: NamedProblem,
  constraints: readonly Constraint[],
  { costMoves = COST_MOVES, costStop, ...options }: ConstrainedOptions,
): Result<Constrained<Found>, ConstraintError | NoPlacement> {
  const found = solve(search, named, constraints, options);
  if (!found.ok) return found;
  if (costMoves === 0) return ok({ ...found.value, costs: [] });
  const again = { ...options, moves: costMoves, start: found.value.assignment };
  const bound = search.valueOf(found.value);
  const costs = constraints.map((constraint) => {
    const others = constraints.filter((other) => other !== constraint);
    const freed = solve(search, named, others, costStop === undefined ? again : { ...again, shouldStop: costStop() });
    // A search that is stopped early may miss what there was with the constraint: then nothing is known of the rest.
    return costOf(constraint, bound, freed.ok ? search.valueOf(freed.value) : { value: bound.value, bound: 0 });
  });
  return ok({ ...found.value, costs });
}

/** What no placement is below without the constraint, none is below with it. What was found with it is there without it too. */
function costOf(constraint: Constraint, found: ValueAndBound, freed: ValueAndBound): ConstraintCost {
  const bound = Math.max(found.bound, freed.bound);
  const without = { ...freed, value: Math.min(found.value, freed.value) };
  return {
    constraint,
    with: { value: found.value, bound },
    without,
    cost: found.value - without.value,
    costMin: Math.max(0, bound - without.value),
    costMax: found.value - without.bound,
  };
}

function solve<Found>(
  search: Search<Found>,
  named: NamedProblem,
  constraints: readonly Constraint[],
  { start, ...options }: PartitionOptions,
): Result<Found, ConstraintError | NoPlacement> {
  const built = constrained(named, constraints);
  if (!built.ok) return built;
  const { problem, deviceOf } = built.value;
  const found = search.solve(problem, start === undefined ? options : { ...options, start: renumbered(start, inverse(deviceOf)) });
  return found.ok ? ok(search.renumbered(found.value, deviceOf)) : err(found.error);
}

function renumbered(assignment: Assignment, deviceOf: Int32Array): Assignment {
  return assignment.map((device) => deviceOf[device]!);
}

function inverse(deviceOf: Int32Array): Int32Array {
  const back = new Int32Array(deviceOf.length);
  deviceOf.forEach((device, i) => {
    back[device] = i;
  });
  return back;
}
