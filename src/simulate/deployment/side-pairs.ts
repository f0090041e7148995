import { deviceOf, type PlacedReplicas } from "./fabric-place.ts";

export type Pair = readonly [from: number, to: number];

/**
 * Flows between attention and feed-forwards on devices of their own, replica after replica: every device of attention sends to every one of the other side, which
 * sends back. None where a pool has no FFN side.
 */
export function sidePairs(placed: PlacedReplicas): Pair[] {
  return Array.from({ length: placed.replicas }, (_, replica) => sidePairsOf(placed, replica)).flat();
}

/** Those of one replica: all ways there, then all ways back. */
export function sidePairsOf(placed: PlacedReplicas, replica: number): Pair[] {
  const { ffn } = placed;
  if (ffn === undefined) return [];
  const there: Pair[] = [];
  for (let from = 0; from < placed.devices; from++)
    for (let to = 0; to < ffn.devices; to++) there.push([deviceOf(placed, replica, from), deviceOf(ffn, replica, to)]);
  return [...there, ...there.map(([from, to]): Pair => [to, from])];
}
