import { must } from "../../base/assert.ts";
import { err } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import type { NetworkFigures } from "../../cost/network/collectives/network-figures.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { isLinkQuery, type LinkQuery } from "../../cost/operator/operator-query.ts";
import { fairRates } from "../flows/fair-rates.ts";
import { type FabricPlace, type PlacedReplicas, sidesOf } from "./fabric-place.ts";
import { type Pair, sidePairs } from "./side-pairs.ts";

/** How devices of a group send to those of its other machines: to the next one as rings do, to all, or to the next stage. */
export interface Pattern {
  readonly kind: "ring" | "all" | "stage";
  /** Machines of the group. */
  readonly nodes: number;
}

/**
 * Collectives of a pool whose traffic between machines goes over a fabric.
 *
 * Model: every device sends to the devices of its own number in the other machines of its group, as channels over each card do. The rate of a card is the
 * max-min share of the pool's slowest flow while all groups of all replicas of the fleet exchange at once, and no more than the card's own: on an ideal
 * fabric prices are those without one. Sums in switches between machines are not modelled.
 * Errors: those of `collectiveModel`; `no-basis` where devices have no way to one another.
 */
export function fabricNetwork(figures: NetworkFigures, place: FabricPlace): OperatorModel {
  const inside = collectiveModel(figures);
  const models = new Map<string, OperatorModel>();
  return {
    source: `${inside.source}; between machines ${place.topology.name}`,
    price(query) {
      const pattern = isLinkQuery(query) ? patternOf(query, sideOf(place)) : undefined;
      if (pattern === undefined) return inside.price(query);
      const key = `${pattern.kind} ${pattern.nodes}`;
      const known = models.get(key);
      if (known !== undefined) return known.price(query);
      const share = place.cards ?? cardShare(place, pattern);
      if (!(share > 0)) return err({ code: "no-basis", missing: `a way between the machines of ${place.topology.name}` });
      const model = collectiveModel(withCards(figures, share));
      models.set(key, model);
      return model.price(query);
    },
  };
}

/** The machines whose collectives are priced. */
function sideOf({ pools, pool, side }: FabricPlace): PlacedReplicas {
  const placed = must(pools[pool], "a placed pool");
  return side === undefined ? placed : must(placed.ffn, "the machines of feed-forwards");
}

/** The share of a card, or its own rate where that is less. */
export function withCards(figures: NetworkFigures, share: BytesPerSecond): NetworkFigures {
  const { scaleOut } = figures;
  if (scaleOut !== undefined && scaleOut.bytesPerSecond <= share) return figures;
  const { measured: _measured, ...rest } = scaleOut ?? {};
  return { ...figures, scaleOut: { ...rest, bytesPerSecond: share } };
}

/** Undefined where the operator stays in a machine. */
function patternOf(query: LinkQuery, { nodes, stages }: PlacedReplicas): Pattern | undefined {
  if (query.op === "point-to-point") return query.sameNode ? undefined : { kind: "stage", nodes: Math.max(1, Math.round(nodes / stages)) };
  if (query.ranks <= query.ranksPerNode) return undefined;
  const all = query.op === "dispatch" || query.kind === "all-to-all";
  return { kind: all ? "all" : "ring", nodes: Math.min(nodes, Math.ceil(query.ranks / query.ranksPerNode)) };
}

/** What every card of the pool sends at least, of all its flows together; beside other traffic, every card of one replica, and no more than without. */
export function cardShare(place: FabricPlace, pattern: Pattern): BytesPerSecond {
  const { beside, ...alone } = place;
  if (beside === undefined) return leastRate(alone, pattern);
  return Math.min(leastRate(alone, pattern), leastRate(place, pattern));
}

function leastRate(place: FabricPlace, pattern: Pattern): BytesPerSecond {
  const own = sideOf(place);
  const least = leastOfFleet(place, { own, pairs: exchangePairs(own, pattern) });
  return least * (pattern.kind === "all" ? Math.max(1, pattern.nodes - 1) : 1);
}

/**
 * The least rate of any flow between both sides of a pool's replicas while all groups of the fleet exchange at once; beside other traffic, of one replica's, and
 * no more than without.
 */
export function sideFlowRate(place: FabricPlace): BytesPerSecond {
  const { beside, ...alone } = place;
  const rate = (of: FabricPlace): BytesPerSecond => leastOfFleet(of, { pairs: sidePairs(of.pools[of.pool]!) });
  return beside === undefined ? rate(alone) : Math.min(rate(alone), rate(place));
}

/**
 * The least rate of some flows of a pool, replica after replica, beside those of all others: rings over all machines of each side, as tensor ranks do, because
 * what they do meanwhile is not known, and exchanges with devices of feed-forwards, both ways.
 *
 * @param own Machines whose rings these flows are instead; absent: they are the pool's exchanges between its sides.
 */
function leastOfFleet(
  { topology, pools, pool, beside }: FabricPlace,
  { own, pairs }: { readonly own?: PlacedReplicas; readonly pairs: readonly Pair[] },
): BytesPerSecond {
  const others = pools.flatMap((placed, index) => [
    ...sidesOf(placed).flatMap((side) => (side === own ? [] : exchangePairs(side, { kind: "ring", nodes: side.nodes }))),
    ...(own === undefined && index === pool ? [] : sidePairs(placed)),
  ]);
  const each = pairs.length / pools[pool]!.replicas;
  const range = beside === undefined ? [0, pairs.length] : [beside.replica * each, (beside.replica + 1) * each];
  const rates = fairRates(topology, [...pairs, ...others], beside?.flows).slice(...range);
  return rates.reduce((min, rate) => Math.min(min, rate), Number.POSITIVE_INFINITY);
}

/** Devices that send to one another in a pattern. */
export function exchangePairs({ first, perNode, replicas, nodes }: PlacedReplicas, { kind, nodes: group }: Pattern): Pair[] {
  const pairs: Pair[] = [];
  if (nodes === 1) return pairs;
  for (let replica = 0; replica < replicas; replica++) {
    const start = first + replica * nodes * perNode;
    for (let node = 0; node < nodes; node++) {
      for (const to of targets({ kind, nodes: group }, node, nodes)) {
        for (let device = 0; device < perNode; device++) pairs.push([start + node * perNode + device, start + to * perNode + device]);
      }
    }
  }
  return pairs;
}

/** Machines of the replica that one sends to. */
function targets({ kind, nodes: group }: Pattern, node: number, nodes: number): number[] {
  if (kind === "stage") return node + group < nodes ? [node + group] : [];
  const base = Math.floor(node / group) * group;
  const size = Math.min(group, nodes - base);
  if (kind === "ring") return size > 1 ? [base + ((node - base + 1) % size)] : [];
  return Array.from({ length: size }, (_, at) => base + at).filter((other) => other !== node);
}
