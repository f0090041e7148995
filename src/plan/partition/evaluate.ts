import { type Assignment, deviceTypes, type PartitionProblem } from "./problem.ts";

/** What breaks an assignment, each with the device or node it is about. */
export type Breach =
  | { readonly code: "unsupported"; readonly node: number; readonly device: number }
  | { readonly code: "colour-apart"; readonly node: number; readonly device: number }
  | { readonly code: "memory"; readonly device: number; readonly bytes: number };

/** Load of every device and what the assignment breaks: found from nodes and edges alone, apart from the search's bookkeeping. */
export interface Evaluation {
  readonly loads: Float64Array;
  /** The throughput objective: time between two samples of a pipeline. */
  readonly maxLoad: number;
  readonly breaches: readonly Breach[];
}

/**
 * Scores an assignment under the throughput objective.
 *
 * Model: load of a device = its nodes' times + factor x (cost of each of its outputs that another device reads + cost of each output of another device
 * that it reads, once however many of its nodes read it).
 * Source: Tarnawski et al., NeurIPS 2020, section 3.
 */
export function evaluate(problem: PartitionProblem, assignment: Assignment): Evaluation {
  const typeOf = deviceTypes(problem.types);
  const loads = new Float64Array(typeOf.length);
  problem.nodes.forEach(({ times }, i) => {
    loads[assignment[i]!] = loads[assignment[i]!]! + times[typeOf[assignment[i]!]!]!;
  });
  for (const { device, source } of transfers(problem, assignment)) {
    loads[device] = loads[device]! + problem.types[typeOf[device]!]!.transferFactor * problem.nodes[source]!.outputCost;
  }
  return { loads, maxLoad: Math.max(...loads), breaches: breachesOf(problem, assignment) };
}

/** Every payment for an output that crosses: by its maker, and by each device that reads it. */
function transfers({ edges }: PartitionProblem, assignment: Assignment): Iterable<{ readonly device: number; readonly source: number }> {
  const paid = new Map<string, { device: number; source: number }>();
  for (const [source, target] of edges) {
    if (assignment[source] === assignment[target]) continue;
    for (const device of [assignment[source]!, assignment[target]!]) paid.set(`${source} ${device}`, { device, source });
  }
  return paid.values();
}

/** What an assignment breaks: operators a device does not run, colours apart, memories too small. Empty for a sound one. */
export function breachesOf(problem: PartitionProblem, assignment: Assignment): readonly Breach[] {
  const typeOf = deviceTypes(problem.types);
  const bytes = new Float64Array(typeOf.length);
  const deviceOfColour = new Map<number, number>();
  const breaches: Breach[] = [];
  problem.nodes.forEach((node, i) => {
    const device = assignment[i]!;
    bytes[device] = bytes[device]! + node.bytes;
    if (node.times[typeOf[device]!] === Infinity) breaches.push({ code: "unsupported", node: i, device });
    if (node.colour === undefined) return;
    const first = deviceOfColour.get(node.colour) ?? device;
    deviceOfColour.set(node.colour, first);
    if (first !== device) breaches.push({ code: "colour-apart", node: i, device });
  });
  bytes.forEach((held, device) => {
    if (held > problem.types[typeOf[device]!]!.memoryBytes) breaches.push({ code: "memory", device, bytes: held });
  });
  return breaches;
}

/** Devices whose forward part some path leaves and comes back to; devices of factor 0 (CPUs) may. Empty for a contiguous split. */
export function splitDevices(problem: PartitionProblem, assignment: Assignment): readonly number[] {
  const typeOf = deviceTypes(problem.types);
  const successors: number[][] = problem.nodes.map(() => []);
  for (const [source, target] of problem.edges) {
    if (!problem.nodes[source]!.backward && !problem.nodes[target]!.backward) successors[source]!.push(target);
  }
  const returns = (device: number): boolean => {
    const outside = new Set<number>();
    const open: number[] = [];
    const visit = (node: number): void => {
      if (assignment[node] === device || outside.has(node)) return;
      outside.add(node);
      open.push(node);
    };
    successors.forEach((targets, source) => {
      if (assignment[source] === device) targets.forEach(visit);
    });
    for (let at = 0; at < open.length; at++) successors[open[at]!]!.forEach(visit);
    return open.some((node) => successors[node]!.some((target) => assignment[target] === device));
  };
  return Array.from(typeOf.keys()).filter((device) => problem.types[typeOf[device]!]!.transferFactor > 0 && returns(device));
}
