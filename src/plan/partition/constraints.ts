import { err, ok, type Result } from "../../base/result.ts";
import { globMatches } from "./glob.ts";
import type { DeviceType, OperatorNode, PartitionProblem } from "./problem.ts";

/** What a user wants of a placement. Patterns are globs over names of operators: `*` is any text, `?` any character. */
export type Constraint =
  | { readonly kind: "pin"; readonly pattern: string; readonly to: string }
  | { readonly kind: "forbid"; readonly pattern: string; readonly from: string }
  | { readonly kind: "together"; readonly patterns: readonly string[] };

/** A place is a type's name, or one device of it: `name#0` is the first. */
export type ConstraintError =
  | { readonly code: "constraint-matches-nothing"; readonly constraint: Constraint; readonly pattern: string }
  | { readonly code: "constraint-place-unknown"; readonly constraint: Constraint; readonly places: readonly string[] }
  | { readonly code: "constraints-contradict"; readonly operators: readonly string[]; readonly constraints: readonly Constraint[] };

export interface NamedProblem {
  readonly problem: PartitionProblem;
  /** Name of every operator. */
  readonly names: readonly string[];
}

/** A problem that only has placements which keep the constraints. */
export interface ConstrainedProblem {
  readonly problem: PartitionProblem;
  /** Device of the unconstrained problem for each device of this one: types of which single devices are named are split. */
  readonly deviceOf: Int32Array;
}

/**
 * Builds constraints into a problem: forbidden places become unsupported, what must lie together gets one colour, and a type of which a constraint names one
 * device is split into that device and the rest. The search needs to know nothing of them.
 *
 * Errors: the first pattern that matches no operator, place that no device has, or group of operators that is left no place at all: by its constraints, or
 * by support and the memory of a single device. Found before any search.
 */
export function constrained(
  { problem, names }: NamedProblem,
  constraints: readonly Constraint[],
): Result<ConstrainedProblem, ConstraintError> {
  for (const constraint of constraints) {
    const unmatched = patternsOf(constraint).find((pattern) => !names.some((name) => globMatches(pattern, name)));
    if (unmatched !== undefined) return err({ code: "constraint-matches-nothing", constraint, pattern: unmatched });
    const place = placeOf(constraint);
    if (place !== undefined && devicesAt(problem.types, place).length === 0) {
      return err({ code: "constraint-place-unknown", constraint, places: placesOf(problem.types) });
    }
  }
  const split = splitTypes(problem.types, constraints);
  const nodes = problem.nodes.map((node, i): OperatorNode => {
    const times = split.from.map((type, t) =>
      allowed(constraints, names[i]!, split.devices[t]!, problem.types) ? node.times[type]! : Infinity,
    );
    return { ...node, times };
  });
  const coloured = joinColours(nodes, names, constraints);
  const stuck = groupWithoutPlace(coloured, split.types);
  if (stuck !== undefined) {
    const operators = stuck.map((i) => names[i]!);
    const touching = constraints.filter((each) => patternsOf(each).some((pattern) => operators.some((name) => globMatches(pattern, name))));
    return err({ code: "constraints-contradict", operators, constraints: touching });
  }
  return ok({ problem: { ...problem, types: split.types, nodes: coloured }, deviceOf: Int32Array.from(split.devices.flat()) });
}

/** Name patterns that a constraint speaks of. */
export function patternsOf(constraint: Constraint): readonly string[] {
  return constraint.kind === "together" ? constraint.patterns : [constraint.pattern];
}

function placeOf(constraint: Constraint): string | undefined {
  return constraint.kind === "pin" ? constraint.to : constraint.kind === "forbid" ? constraint.from : undefined;
}

/** Devices that a place names: all of a type, or one. */
function devicesAt(types: readonly DeviceType[], place: string): readonly number[] {
  let first = 0;
  for (const { name, count } of types) {
    const all = Array.from({ length: count }, (_zero, k) => first + k);
    if (place === name) return all;
    const one = all.find((_device, k) => place === `${name}#${k}`);
    if (one !== undefined) return [one];
    first += count;
  }
  return [];
}

function placesOf(types: readonly DeviceType[]): readonly string[] {
  return types.flatMap(({ name, count }) => [name, ...Array.from({ length: count }, (_zero, k) => `${name}#${k}`)]);
}

interface SplitTypes {
  readonly types: readonly DeviceType[];
  /** Type before the split, and devices before it, of every type. */
  readonly from: readonly number[];
  readonly devices: readonly (readonly number[])[];
}

/** Devices that a constraint names alone become types of their own; like devices stay one type. */
function splitTypes(types: readonly DeviceType[], constraints: readonly Constraint[]): SplitTypes {
  const places = constraints.map(placeOf).filter((place) => place !== undefined);
  const alone = new Set(places.filter((place) => !types.some(({ name }) => name === place)).flatMap((place) => devicesAt(types, place)));
  const split: { type: DeviceType; from: number; devices: number[] }[] = [];
  let first = 0;
  types.forEach((type, from) => {
    const all = Array.from({ length: type.count }, (_zero, k) => first + k);
    first += type.count;
    const rest = all.filter((device) => !alone.has(device));
    for (const device of all) {
      if (alone.has(device))
        split.push({ type: { ...type, name: `${type.name}#${all.indexOf(device)}`, count: 1 }, from, devices: [device] });
    }
    if (rest.length > 0 || all.length === 0) split.push({ type: { ...type, count: rest.length }, from, devices: rest });
  });
  return { types: split.map(({ type }) => type), from: split.map(({ from }) => from), devices: split.map(({ devices }) => devices) };
}

/** Whether every constraint lets an operator onto a type after the split. */
function allowed(constraints: readonly Constraint[], name: string, devices: readonly number[], types: readonly DeviceType[]): boolean {
  return constraints.every((constraint) => {
    if (constraint.kind === "together" || !globMatches(constraint.pattern, name)) return true;
    const inside = devicesAt(types, placeOf(constraint)!).includes(devices[0] ?? -1);
    return constraint.kind === "pin" ? inside : !inside;
  });
}

/** Gives all operators that a `together` matches, with all that share a colour with one of them, one colour. */
function joinColours(
  nodes: readonly OperatorNode[],
  names: readonly string[],
  constraints: readonly Constraint[],
): readonly OperatorNode[] {
  let colours = nodes.map(({ colour }) => colour);
  let fresh = colours.reduce<number>((most, colour) => Math.max(most, (colour ?? 0) + 1), 0);
  for (const constraint of constraints) {
    if (constraint.kind !== "together") continue;
    const matched = names.map((name) => constraint.patterns.some((pattern) => globMatches(pattern, name)));
    const joined = new Set(colours.filter((colour, i) => colour !== undefined && matched[i]));
    const target = fresh++;
    colours = colours.map((colour, i) => (matched[i] || (colour !== undefined && joined.has(colour)) ? target : colour));
  }
  return nodes.map(({ colour: _colour, ...node }, i) => (colours[i] === undefined ? node : { ...node, colour: colours[i] }));
}

/** The first group of one colour (or single operator) that no device supports and holds. */
function groupWithoutPlace(nodes: readonly OperatorNode[], types: readonly DeviceType[]): readonly number[] | undefined {
  const groups = new Map<string, number[]>();
  nodes.forEach(({ colour }, i) => {
    const key = colour === undefined ? `node ${i}` : `colour ${colour}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  for (const group of groups.values()) {
    const bytes = group.reduce((sum, i) => sum + nodes[i]!.bytes, 0);
    const able = types.some(
      ({ count, memoryBytes }, t) => count > 0 && bytes <= memoryBytes && group.every((i) => nodes[i]!.times[t]! < Infinity),
    );
    if (!able) return group;
  }
  return undefined;
}
