import { must } from "../../base/assert.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Bound } from "./bounds.ts";
import { type Constraint, type ConstraintError, constrained, type NamedProblem } from "./constraints.ts";
import { type NoPlacement, type Partition, type PartitionOptions, partition } from "./partition.ts";
import type { Assignment } from "./problem.ts";

/** What one constraint costs: the best values found with it and without it, each with a value that none is below. */
export interface ConstraintCost {
  readonly constraint: Constraint;
  readonly with: { readonly value: number; readonly bound: Bound };
  readonly without: { readonly value: number; readonly bound: Bound };
  /** Value with less value without; 0 where the constraint is free. Exact where both gaps are 0. */
  readonly cost: number;
  /** The cost lies between these, whatever the searches missed. */
  readonly costMin: number;
  readonly costMax: number;
}

export interface ConstrainedPartition extends Partition {
  readonly costs: readonly ConstraintCost[];
}

export interface ConstrainedOptions extends PartitionOptions {
  /** Moves of each search without one of the constraints; 0: costs are left out. */
  readonly costMoves?: number;
}

const COST_MOVES = 2_000_000;

/**
 * Places a graph under constraints, and says what each of them costs: it is solved again without that one, starting from the placement found. Devices in
 * the answer are numbered as in the problem given.
 *
 * Errors: those of `constrained`, before any search; `no-placement`.
 */
export function partitionConstrained(
  named: NamedProblem,
  constraints: readonly Constraint[],
  options: ConstrainedOptions = {},
): Result<ConstrainedPartition, ConstraintError | NoPlacement> {
  const { costMoves = COST_MOVES, ...searchOptions } = options;
  const found = solve(named, constraints, searchOptions);
  if (!found.ok) return found;
  const costs =
    costMoves === 0
      ? []
      : constraints.map((constraint) =>
          costOf(named, constraints, { constraint, found: found.value, options: { ...searchOptions, moves: costMoves } }),
        );
  return ok({ ...found.value, costs });
}

function costOf(
  named: NamedProblem,
  constraints: readonly Constraint[],
  { constraint, found, options }: { readonly constraint: Constraint; readonly found: Partition; readonly options: PartitionOptions },
): ConstraintCost {
  const others = constraints.filter((other) => other !== constraint);
  const solved = solve(named, others, { ...options, start: found.assignment });
  const freed = must(solved.ok ? solved.value : undefined, "fewer constraints leave what there was");
  // What no placement is below without the constraint, none is below with it.
  const boundWith = found.bound.value >= freed.bound.value ? found.bound : freed.bound;
  return {
    constraint,
    with: { value: found.value, bound: boundWith },
    without: { value: freed.value, bound: freed.bound },
    cost: found.value - freed.value,
    costMin: Math.max(0, boundWith.value - freed.value),
    costMax: found.value - freed.bound.value,
  };
}

function solve(
  named: NamedProblem,
  constraints: readonly Constraint[],
  options: PartitionOptions,
): Result<Partition, ConstraintError | NoPlacement> {
  const built = constrained(named, constraints);
  if (!built.ok) return built;
  const { problem, deviceOf } = built.value;
  const { start, ...rest } = options;
  const found = partition(problem, start === undefined ? rest : { ...rest, start: renumbered(start, inverse(deviceOf)) });
  if (!found.ok) return err(found.error);
  const stages = found.value.stages.map((stage) => ({ ...stage, device: deviceOf[stage.device]! }));
  return ok({ ...found.value, assignment: renumbered(found.value.assignment, deviceOf), stages });
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
