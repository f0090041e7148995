import type { Hypergraph } from "./hypergraph.ts";

/**
 * Whether vertices of one size class alone show that no assignment keeps all loads at most `limit`.
 *
 * Why: of q n + 1 vertices that only n devices can take, some device takes q + 1, at the least the smallest of them. Takes the q n + 1 largest of
 * those that only one type can take below the limit, for every q.
 * Source: the pigeonhole bound of bin packing.
 */
export function tooManyLarge(graph: Hypergraph, limit: number): boolean {
  return graph.types.some(({ count }, type) => {
    if (count === 0) return false;
    const sizes = boundTo(graph, type, limit).sort((a, b) => b - a);
    const sums = [0];
    for (const size of sizes) sums.push(sums[sums.length - 1]! + size);
    for (let q = 0; q * count < sizes.length; q++) {
      const last = q * count + 1;
      if (sums[last]! - sums[last - q - 1]! > limit) return true;
    }
    return false;
  });
}

/** Times on a type of the vertices that fit on no other. */
function boundTo({ size, times, types }: Hypergraph, type: number, limit: number): number[] {
  const found: number[] = [];
  for (let v = 0; v < size; v++) {
    const elsewhere = types.some(({ count }, t) => t !== type && count > 0 && times[v * types.length + t]! <= limit);
    if (!elsewhere) found.push(times[v * types.length + type]!);
  }
  return found;
}
