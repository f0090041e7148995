import type { CollectiveQuery } from "../../operator/operator-query.ts";
import type { NetworkFigures } from "./network-figures.ts";

/** What of a query the figures do not cover, in words; undefined where they do. */
export function collectiveProblem(figures: NetworkFigures, query: CollectiveQuery): string | undefined {
  const malformed = malformedCollective(query);
  if (malformed !== undefined) return malformed;
  const { ranks, ranksPerNode } = query;
  if (ranksPerNode > figures.scaleUp.devices)
    return `${ranksPerNode} ranks in a domain of ${figures.scaleUp.devices} devices (${figures.name})`;
  if (ranks > ranksPerNode && figures.scaleOut === undefined) return `the network between nodes of ${figures.name}`;
  return undefined;
}

/** Why a query is no collective at all. */
export function malformedCollective({ bytes, ranks, ranksPerNode }: CollectiveQuery): string | undefined {
  if (!(Number.isInteger(ranks) && ranks >= 1)) return `a collective of ${ranks} ranks`;
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return `a collective of ${bytes} bytes`;
  const groups = Number.isInteger(ranksPerNode) && ranksPerNode >= 1 && ranks % ranksPerNode === 0;
  return groups ? undefined : `${ranks} ranks, ${ranksPerNode} in each node`;
}
