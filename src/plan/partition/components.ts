import type { Lists } from "./csr.ts";

/**
 * Strongly connected component of every vertex, numbered so that an edge between two components goes from the lower number to the higher.
 *
 * Complexity: O(vertices + edges), without recursion.
 * Source: Tarjan 1972.
 */
export function components(successors: Lists): { readonly componentOf: Int32Array; readonly count: number } {
  const size = successors.start.length - 1;
  const index = new Int32Array(size).fill(-1);
  const low = new Int32Array(size);
  const componentOf = new Int32Array(size).fill(-1);
  const next = Int32Array.from(successors.start.subarray(0, size));
  const open: number[] = [];
  const path: number[] = [];
  let visited = 0;
  let found = 0;
  const enter = (vertex: number): void => {
    index[vertex] = low[vertex] = visited++;
    open.push(vertex);
    path.push(vertex);
  };
  const leave = (vertex: number): void => {
    path.pop();
    const parent = path[path.length - 1];
    if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[vertex]!);
    if (low[vertex] !== index[vertex]) return;
    for (let member = open.pop()!; ; member = open.pop()!) {
      componentOf[member] = found;
      if (member === vertex) break;
    }
    found++;
  };
  for (let root = 0; root < size; root++) {
    if (index[root] !== -1) continue;
    enter(root);
    while (path.length > 0) {
      const vertex = path[path.length - 1]!;
      if (next[vertex]! === successors.start[vertex + 1]!) leave(vertex);
      else {
        const target = successors.items[next[vertex]!++]!;
        if (index[target] === -1) enter(target);
        else if (componentOf[target] === -1) low[vertex] = Math.min(low[vertex]!, index[target]!);
      }
    }
  }
  // Tarjan finds sinks first.
  for (let vertex = 0; vertex < size; vertex++) componentOf[vertex] = found - 1 - componentOf[vertex]!;
  return { componentOf, count: found };
}
