import type { DispatchTime } from "../import/aiconfigurator/read-deepep-table.ts";
import type { DispatchQuery } from "../operator/operator-query.ts";

/** Width, experts a token goes to and experts in all of the shapes that constants are fitted on; the other shapes of the tables are held out. */
const FITTED: readonly (readonly [number, number, number])[] = [
  [7168, 8, 256],
  [2048, 8, 128],
  [6144, 4, 128],
  [4096, 10, 512],
];

export function isFittedShape({ width, active, experts }: Pick<DispatchTime, "width" | "active" | "experts">): boolean {
  return FITTED.some(([w, a, e]) => w === width && a === active && e === experts);
}

/** Devices in a node of the tables. */
const PER_NODE = 8;

/**
 * Groups of experts that a token of normal mode goes to at most, one group a node. Source: ai-dynamo/aiconfigurator collector/deep_collector/test_internode.py,
 * as DeepEP's own test of that name: `min(num_nodes, 4)`.
 */
const GROUPS_CHOSEN = 4;

/** What a row of a table was measured of. */
export function queryOf(
  { mode, tokens, width, active, experts, nodes, cores }: DispatchTime,
  direction: DispatchQuery["direction"],
): DispatchQuery {
  const group = { ranks: PER_NODE * nodes, ranksPerNode: PER_NODE };
  return {
    op: "dispatch",
    mode,
    direction,
    tokens,
    width,
    active,
    experts,
    ...group,
    ...(mode === "normal" && nodes > GROUPS_CHOSEN ? { gate: { groups: nodes, chosen: GROUPS_CHOSEN } } : {}),
    ...(cores === undefined ? {} : { cores: cores[direction] }),
  };
}

/** The time it took: with the exchange of counts that precedes the data in normal mode between nodes. Units: ns. */
export function measuredNs(time: DispatchTime, direction: DispatchQuery["direction"]): number {
  return direction === "dispatch" ? time.dispatchNs + time.dispatchNotifyNs : time.combineNs + time.combineNotifyNs;
}
