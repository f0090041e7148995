import type { Result } from "../../base/result.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { Graph } from "../../graph/ir/graph.ts";
import type { Bound } from "../partition/bounds.ts";
import type { Constraint, ConstraintError } from "../partition/constraints.ts";
import type { NoPlacement } from "../partition/partition.ts";
import type { ConstraintCost } from "../partition/partition-constrained.ts";
import type { Assignment, PartitionProblem } from "../partition/problem.ts";
import type { DeviceSet } from "./device-sets.ts";
import { type PlacedPart, type PlacedStage, placedParts, placedStages, wholeOn } from "./placed-parts.ts";

/** A search's answer for one set of devices. */
export interface FoundPlacement {
  readonly set: DeviceSet;
  readonly problem: PartitionProblem;
  readonly found: Result<SolvedPlacement, ConstraintError | NoPlacement>;
  readonly tookMs: number;
}

/** What both objectives' searches answer. */
export interface SolvedPlacement {
  /** Device of every node; the first of those that share it, where some do. */
  readonly assignment: Assignment;
  /** Stages of which several like devices may share one, each with its part of the runs. */
  readonly stages?: readonly ({ readonly device: number } | { readonly devices: readonly number[] })[];
  readonly value: number;
  readonly bound: Bound | number;
  readonly gap: number;
  readonly method: string;
  readonly contiguous?: { readonly value: number; readonly method: string } | undefined;
  readonly moves: number;
  readonly costs: readonly ConstraintCost[];
}

/** A placement of every operator, with what it is worth: plain data, fit for JSON. Times are roofline estimates, in ns. */
export interface PlacementReport {
  readonly name: string;
  readonly phase: string;
  readonly run: string;
  readonly objective: string;
  /** Time between two samples, or of one sample. */
  readonly ns: number;
  /** No placement on these devices takes less. */
  readonly boundNs: number;
  readonly boundMethod: string;
  readonly gap: number;
  readonly method: string;
  /** The best split into parts that follow one another, each on one device, where the search found one. */
  readonly contiguousNs: number | undefined;
  readonly moves: number;
  readonly tookMs: number;
  readonly reserve: number;
  /** Operators whose work is not known: they are placed as if they took no time. */
  readonly unknownOperators: number;
  readonly parts: readonly PlacedPart[];
  readonly stages: readonly PlacedStage[];
  /** Devices left without work. */
  readonly unused: readonly string[];
  /** The whole model on one device of each kind. */
  readonly whole: readonly {
    readonly device: string;
    readonly ns: number | undefined;
    readonly bytes: number;
    readonly memoryBytes: number;
  }[];
  /** What the user asked for, and what each of it costs. Units: ns. */
  readonly constraints: readonly (Omit<ConstraintCost, "constraint"> & { readonly constraint: string })[];
  /** Other sets of devices, best first. */
  readonly otherSets: readonly { readonly devices: readonly string[]; readonly ns: number | undefined }[];
}

export interface ReportInput {
  readonly name: string;
  readonly phase: { readonly name: string; readonly text: string; readonly sizes: Bindings };
  readonly objective: string;
  readonly graph: Graph;
  readonly found: readonly FoundPlacement[];
  readonly reserve: number;
  readonly unknownOperators: number;
}

/** The best of all sets; `undefined` where no set has room. */
export function placementReport({
  name,
  phase,
  objective,
  graph,
  found,
  reserve,
  unknownOperators,
}: ReportInput): PlacementReport | undefined {
  const solved = found.flatMap((one) => (one.found.ok ? [{ ...one, solution: one.found.value }] : []));
  const best = [...solved].sort((a, b) => a.solution.value - b.solution.value)[0];
  if (best === undefined) return undefined;
  const { set, problem, solution, tookMs } = best;
  const { value, bound, gap, method, contiguous, moves, assignment } = solution;
  const sharers = (solution.stages ?? []).flatMap((stage) => ("devices" in stage && stage.devices.length > 1 ? [stage.devices] : []));
  const parts = placedParts(problem, set, { assignment, sharers });
  const others = found
    .filter((one) => one.set !== set)
    .map((one) => ({ devices: one.set.ids, ns: one.found.ok ? one.found.value.value : undefined }));
  return {
    name,
    phase: phase.name,
    run: phase.text,
    objective,
    ns: value,
    boundNs: typeof bound === "number" ? bound : bound.value,
    boundMethod: typeof bound === "number" ? "a path under memory and transfers" : bound.method,
    gap,
    method,
    contiguousNs: contiguous?.value,
    moves,
    tookMs,
    reserve,
    unknownOperators,
    parts,
    stages: placedStages(graph, problem, set, { assignment, sharers }),
    unused: set.ids.filter((id) => !parts.some(({ device }) => device === id)),
    whole: set.types.map(({ ids, memoryBytes }, type) => {
      const { ns, bytes, fits } = wholeOn(problem, type);
      return { device: ids[0]!, ns: fits && ns < Infinity ? ns : undefined, bytes, memoryBytes };
    }),
    constraints: solution.costs.map(({ constraint, ...cost }) => ({ constraint: constraintText(namedOn(set, constraint)), ...cost })),
    otherSets: others.sort((a, b) => (a.ns ?? Infinity) - (b.ns ?? Infinity)),
  };
}

/** The constraint with a device's id in place of its number among like devices. */
export function namedOn({ types }: DeviceSet, constraint: Constraint): Constraint {
  const idOf = (place: string): string => {
    const type = types.find(({ name, ids }) => ids.some((_id, at) => place === `${name}#${at}`));
    return type === undefined ? place : type.ids[Number(place.slice(type.name.length + 1))]!;
  };
  switch (constraint.kind) {
    case "pin":
      return { ...constraint, to: idOf(constraint.to) };
    case "forbid":
      return { ...constraint, from: idOf(constraint.from) };
    case "together":
      return constraint;
  }
}

/** A constraint as it is given on the command line. */
export function constraintText(constraint: Constraint): string {
  switch (constraint.kind) {
    case "pin":
      return `--pin ${constraint.pattern}=${constraint.to}`;
    case "forbid":
      return `--forbid ${constraint.pattern}=${constraint.from}`;
    case "together":
      return `--together ${constraint.patterns.join(",")}`;
  }
}
