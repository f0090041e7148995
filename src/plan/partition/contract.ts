import { assert } from "../../base/assert.ts";
import { components } from "./components.ts";
import { type Lists, listsOf } from "./csr.ts";
import { type Hypergraph, hypergraphOf } from "./hypergraph.ts";
import { type Assignment, checkProblem, type PartitionProblem } from "./problem.ts";

/** A problem with everything that must share a device made one vertex. */
export interface Contraction {
  /** Group of every node. */
  readonly groupOf: Int32Array;
  readonly graph: Hypergraph;
  /** Groups that must share a stage where a device may run one stage only: cycles of groups. Numbered in a topological order. */
  readonly blockOf: Int32Array;
  readonly blocks: number;
  /** Blocks that must not run before a block. */
  readonly blockSuccessors: Lists;
}

/**
 * Contracts colour classes and cycles.
 *
 * Groups: nodes of one colour, and nodes on a cycle. Blocks: groups on a cycle of the forward part. A group with backward nodes only has no place in
 * the forward order of its own; it takes that of a mirror image, the reverse of the edges between backward nodes (Tarnawski et al. give such groups an
 * artificial forward partner).
 */
export function contract(problem: PartitionProblem): Contraction {
  checkProblem(problem);
  const groups = groupNodes(problem);
  const graph = groupGraph(problem, groups.groupOf, groups.count);
  const order = forwardOrder(problem, groups.groupOf, groups.count);
  const { componentOf: blockOf, count: blocks } = components(listsOf(order));
  const blockOrder: Set<number>[] = Array.from({ length: blocks }, () => new Set());
  order.forEach((targets, source) => {
    for (const target of targets) if (blockOf[source] !== blockOf[target]) blockOrder[blockOf[source]!]!.add(blockOf[target]!);
  });
  return { groupOf: groups.groupOf, graph, blockOf, blocks, blockSuccessors: listsOf(blockOrder) };
}

/** Device of every node from that of every group. */
export function expanded(groupOf: Int32Array, deviceOfGroup: Int32Array): Assignment {
  return groupOf.map((group) => deviceOfGroup[group]!);
}

/** Device of every group from that of every node: nodes of a group must have one. */
export function grouped({ groupOf, graph }: Pick<Contraction, "groupOf" | "graph">, assignment: Assignment): Int32Array {
  const deviceOf = new Int32Array(graph.size);
  groupOf.forEach((group, node) => {
    deviceOf[group] = assignment[node]!;
  });
  assert(
    groupOf.every((group, node) => deviceOf[group] === assignment[node]),
    "the nodes of a group share a device",
  );
  return deviceOf;
}

function groupNodes({ nodes, edges }: PartitionProblem): { readonly groupOf: Int32Array; readonly count: number } {
  const successors: number[][] = nodes.map(() => []);
  for (const [source, target] of edges) successors[source]!.push(target);
  const cycles = components(listsOf(successors)).componentOf;
  // Joined by colour and by cycle until neither joins more: a cycle may tie two colours together.
  const parent = Int32Array.from(nodes, (_node, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]!]!;
    return at;
  };
  const first = new Map<string, number>();
  nodes.forEach(({ colour }, i) => {
    for (const key of [`cycle ${cycles[i]}`, ...(colour === undefined ? [] : [`colour ${colour}`])]) {
      const other = first.get(key);
      if (other === undefined) first.set(key, i);
      else parent[root(i)] = root(other);
    }
  });
  const number = new Map<number, number>();
  const groupOf = Int32Array.from(nodes, (_node, i) => {
    const at = root(i);
    if (!number.has(at)) number.set(at, number.size);
    return number.get(at)!;
  });
  return { groupOf, count: number.size };
}

function groupGraph({ types, nodes, edges }: PartitionProblem, groupOf: Int32Array, size: number): Hypergraph {
  const times = new Float64Array(size * types.length);
  const bytes = new Float64Array(size);
  const nets = nodes.map((node, i) => ({ pins: [groupOf[i]!], cost: node.outputCost }));
  nodes.forEach((node, i) => {
    const group = groupOf[i]!;
    bytes[group] = bytes[group]! + node.bytes;
    node.times.forEach((time, type) => {
      times[group * types.length + type] = times[group * types.length + type]! + time;
    });
  });
  for (const [source, target] of edges) nets[source]!.pins.push(groupOf[target]!);
  return hypergraphOf(types, { size, times, bytes, nets });
}

function forwardOrder({ nodes, edges }: PartitionProblem, groupOf: Int32Array, size: number): readonly Set<number>[] {
  const order: Set<number>[] = Array.from({ length: size }, () => new Set());
  const hasForward = new Uint8Array(size);
  nodes.forEach(({ backward }, i) => {
    if (!backward) hasForward[groupOf[i]!] = 1;
  });
  for (const [source, target] of edges) {
    const from = groupOf[source]!;
    const to = groupOf[target]!;
    if (from === to) continue;
    const backward = nodes[source]!.backward && nodes[target]!.backward;
    if (!nodes[source]!.backward && !nodes[target]!.backward) order[from]!.add(to);
    else if (backward && !(hasForward[from] && hasForward[to])) order[to]!.add(from);
  }
  return order;
}
