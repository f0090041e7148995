import type { ChakraNode } from "./chakra-node.ts";
import { invalid } from "./failures.ts";

export interface NodeOrder {
  readonly ordered: readonly ChakraNode[];
  /** Data dependences on nodes that the trace does not hold, and control dependences where they are used. */
  readonly missing: number;
  /** Whether control dependences are dependences. In traces of PyTorch they name the call around a node, and contradict the data dependences. */
  readonly usesControl: boolean;
}

/**
 * Nodes behind all they depend on, otherwise as they stand; dependences on nodes that the trace does not hold are left out.
 *
 * Complexity: linear. Errors: `chakra-invalid` for a circle of data dependences, and for an id that is there twice.
 */
export function inOrder(nodes: readonly ChakraNode[]): NodeOrder {
  const places = new Map<string, number>();
  nodes.forEach(({ id }, at) => {
    if (places.has(id)) throw invalid(`node ${id}`, "the id is there twice");
    places.set(id, at);
  });
  const both = sorted(nodes, places, ({ ctrlDeps, dataDeps }) => [...ctrlDeps, ...dataDeps]);
  if (both.stuck === undefined) return { ...both, usesControl: true };
  const data = sorted(nodes, places, ({ dataDeps }) => dataDeps);
  if (data.stuck !== undefined) throw invalid(`node ${data.stuck.id}`, "nodes depend on one another in a circle");
  return { ...data, usesControl: false };
}

interface Sorted {
  readonly ordered: readonly ChakraNode[];
  readonly missing: number;
  /** A node that waits for itself, over others or not. */
  readonly stuck: ChakraNode | undefined;
}

function sorted(
  nodes: readonly ChakraNode[],
  places: ReadonlyMap<string, number>,
  before: (node: ChakraNode) => readonly string[],
): Sorted {
  let missing = 0;
  const readers: number[][] = nodes.map(() => []);
  const needs = nodes.map((node) => {
    const found = [...new Set(before(node))].map((id) => places.get(id));
    missing += found.filter((place) => place === undefined).length;
    return found.filter((place) => place !== undefined);
  });
  if (needs.every((list, at) => list.every((place) => place < at))) return { ordered: nodes, missing, stuck: undefined };
  needs.forEach((list, at) => {
    for (const place of list) readers[place]!.push(at);
  });
  const waiting = needs.map((list) => list.length);
  const ready = waiting.flatMap((count, at) => (count === 0 ? [at] : []));
  for (let next = 0; next < ready.length; next++) {
    for (const reader of readers[ready[next]!]!) if (--waiting[reader]! === 0) ready.push(reader);
  }
  const stuck = ready.length < nodes.length ? nodes[waiting.findIndex((count) => count > 0)] : undefined;
  return { ordered: ready.map((at) => nodes[at]!), missing, stuck };
}
