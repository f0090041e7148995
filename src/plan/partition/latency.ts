import { components } from "./components.ts";
import { listsOf } from "./csr.ts";
import { type Assignment, deviceTypes, type PartitionProblem } from "./problem.ts";

/**
 * Time of one sample; Infinity where no order of execution exists.
 *
 * Model: a device behind a link runs its part in one go: it waits for all inputs, then takes them in, computes and hands its outputs out, one after
 * another. Nodes on devices of factor 0 (CPUs) start when their inputs are there, any number at a time.
 * Source: Tarnawski et al., NeurIPS 2020, section 4, and `lip.py` of its repository.
 */
export function latencyOf(problem: PartitionProblem, assignment: Assignment): number {
  const { nodes, edges, types } = problem;
  const typeOf = deviceTypes(types);
  // A unit runs in one go: a device behind a link, or one node of a CPU.
  const unitOf = Int32Array.from(nodes, (_node, i) => {
    const device = assignment[i]!;
    return types[typeOf[device]!]!.transferFactor > 0 ? device : typeOf.length + i;
  });
  const units = typeOf.length + nodes.length;
  const duration = new Float64Array(units);
  nodes.forEach(({ times }, i) => {
    duration[unitOf[i]!] = duration[unitOf[i]!]! + times[typeOf[assignment[i]!]!]!;
  });
  const successors: Set<number>[] = Array.from({ length: units }, () => new Set());
  const paid = new Set<string>();
  for (const [source, target] of edges) {
    const from = unitOf[source]!;
    const to = unitOf[target]!;
    if (from === to) continue;
    successors[from]!.add(to);
    for (const unit of [from, to]) {
      if (unit >= typeOf.length || paid.has(`${source} ${unit}`) || assignment[source] === assignment[target]) continue;
      paid.add(`${source} ${unit}`);
      duration[unit] = duration[unit]! + types[typeOf[unit]!]!.transferFactor * nodes[source]!.outputCost;
    }
  }
  return longestPath(successors, duration);
}

/** A time that no placement is below: the longest path with every node on the type that is fastest for it, nothing moved. */
export function latencyBound({ nodes, edges, types }: PartitionProblem): number {
  const successors: Set<number>[] = nodes.map(() => new Set());
  for (const [source, target] of edges) successors[source]!.add(target);
  const least = Float64Array.from(nodes, ({ times }) => Math.min(...times.filter((_time, t) => types[t]!.count > 0)));
  const longest = longestPath(successors, least);
  return longest < Infinity ? longest : Math.max(...least);
}

function longestPath(successors: readonly Set<number>[], duration: Float64Array): number {
  const { componentOf, count } = components(listsOf(successors));
  if (count < successors.length) return Infinity;
  const order = Array.from(successors.keys()).sort((a, b) => componentOf[a]! - componentOf[b]!);
  const start = new Float64Array(successors.length);
  let latest = 0;
  for (const unit of order) {
    const end = start[unit]! + duration[unit]!;
    latest = Math.max(latest, end);
    for (const target of successors[unit]!) start[target] = Math.max(start[target]!, end);
  }
  return latest;
}
