import type { Graph, OperatorId } from "../../graph/ir/graph.ts";
import { evaluate } from "../partition/evaluate.ts";
import { type Assignment, deviceTypes, type PartitionProblem } from "../partition/problem.ts";
import { stagesOf } from "../partition/stages.ts";
import type { DeviceSet } from "./device-sets.ts";

/** What one device does in a placement. */
export interface PlacedPart {
  readonly device: string;
  readonly operators: number;
  /** Devices that take turns at them, run by run, where there are several; its times are its share of theirs. */
  readonly sharedBy?: number;
  /** Its operators, and its outputs and inputs that cross. Units: ns. */
  readonly computeNs: number;
  readonly transferNs: number;
  /** Weights and state that lie there, and what it has for them. */
  readonly bytes: number;
  readonly memoryBytes: number;
}

/** Operators that one device runs in a row. */
export interface PlacedStage {
  readonly device: string;
  /** Other devices that take turns with it, run by run. */
  readonly sharedWith?: readonly string[];
  /** Names, in the order of the graph, and places in it: names may repeat. */
  readonly operators: readonly string[];
  readonly places: readonly OperatorId[];
  /** The parts of the model they belong to, shortened: `layers.0 to layers.7`. */
  readonly scopes: string;
}

/** Device of every node, and the lists of devices that share what is assigned to the first of them. */
export interface SharedAssignment {
  readonly assignment: Assignment;
  readonly sharers: readonly (readonly number[])[];
}

/** Devices of a set with what an assignment gives them; those with nothing are left out. Each that shares a part has all of its bytes and an equal share of its time. */
export function placedParts(
  problem: PartitionProblem,
  { types, ids }: DeviceSet,
  { assignment, sharers }: SharedAssignment,
): readonly PlacedPart[] {
  const typeOf = deviceTypes(problem.types);
  const parts = ids.map((device, at) => ({
    device,
    operators: 0,
    computeNs: 0,
    transferNs: 0,
    bytes: 0,
    memoryBytes: types[typeOf[at]!]!.memoryBytes,
  }));
  problem.nodes.forEach(({ times, bytes }, node) => {
    const part = parts[assignment[node]!]!;
    part.operators += 1;
    part.computeNs += times[typeOf[assignment[node]!]!]!;
    part.bytes += bytes;
  });
  evaluate(problem, assignment).loads.forEach((load, at) => {
    parts[at]!.transferNs = Math.max(0, load - parts[at]!.computeNs);
  });
  const shared = parts.map((part, at) => {
    const sharing = sharers.find((devices) => devices.includes(at));
    if (sharing === undefined) return part;
    const { operators, computeNs, transferNs, bytes } = parts[sharing[0]!]!;
    const r = sharing.length;
    return { ...part, operators, sharedBy: r, computeNs: computeNs / r, transferNs: transferNs / r, bytes };
  });
  return shared.filter(({ operators }) => operators > 0);
}

/** An order in which the parts can run. */
export function placedStages(
  graph: Graph,
  problem: PartitionProblem,
  { ids }: DeviceSet,
  { assignment, sharers }: SharedAssignment,
): readonly PlacedStage[] {
  const stages = stagesOf(problem, assignment) ?? [];
  return stages.map(({ device, nodes }) => {
    const operators = [...nodes].sort((a, b) => a - b);
    const others = sharers.find(([first]) => first === device)?.slice(1);
    return {
      device: ids[device]!,
      ...(others === undefined ? {} : { sharedWith: others.map((other) => ids[other]!) }),
      operators: operators.map((id) => graph.operators[id]!.name),
      places: operators,
      scopes: scopesText(graph, operators),
    };
  });
}

/** First and last part of the model in a stage, by what their operators belong to. */
function scopesText(graph: Graph, operators: readonly OperatorId[]): string {
  const names = operators.map((id) => graph.operators[id]!.scope || graph.operators[id]!.name);
  const [first, last] = [names[0] ?? "", names.at(-1) ?? ""];
  return first === last ? first : `${first} to ${last}`;
}

/** The whole graph on one device of a kind: its time, or why not. Units: ns and bytes. */
export function wholeOn(problem: PartitionProblem, type: number): { readonly ns: number; readonly bytes: number; readonly fits: boolean } {
  let ns = 0;
  let bytes = 0;
  for (const node of problem.nodes) {
    ns += node.times[type]!;
    bytes += node.bytes;
  }
  return { ns, bytes, fits: bytes <= problem.types[type]!.memoryBytes };
}
