import { must } from "../../base/assert.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { KvWays } from "../serving/serving-input.ts";
import { exchangePairs } from "./fabric-network.ts";
import type { FabricPlace, PlacedReplicas } from "./fabric-place.ts";
import { kvPairs, type PlacedReplica } from "./kv-pairs.ts";
import type { PoolOnFabric } from "./pool-on-fabric.ts";
import { sidePairsOf } from "./side-pairs.ts";

/** Prices that are kept of each replica. */
const KEPT_PRICES = 4096;

/**
 * What iterations of replicas on several machines cost while KV crosses links of their collectives, or of what goes between attention and feed-forwards on devices of
 * their own; nothing where there are none.
 *
 * Model: each channel of a transfer is a flow beside those of all collectives of the fleet, and collectives run at their max-min share with it, per pattern, for
 * as long as it is on its way. Only transfers over a link that the replica's own exchanges pass count. Never faster than without.
 */
export function besideKv(
  pools: readonly PoolOnFabric[],
  { topology, pools: placed }: FabricPlace,
  { at, bytesPerSecondMax }: { readonly at: readonly PlacedReplica[]; readonly bytesPerSecondMax: BytesPerSecond | undefined },
): Pick<KvWays, "beside"> {
  if (pools.every(({ costBeside }) => costBeside === undefined)) return {};
  const replicas = at.map(({ pool, replica }) => replicaPricer(topology, pool, { replica, priced: pools[placed.indexOf(pool)]! }));
  return {
    beside(index, transfers) {
      const { cost, links, price } = must(replicas[index], "a placed replica");
      if (price === undefined) return cost;
      const crossing = transfers.filter(([source, target]) =>
        kvPairs(at[source]!, at[target]!).some(([from, to]) => topology.path(from, to).some((link) => links.has(link))),
      );
      if (crossing.length === 0) return cost;
      const key = crossing.map(([source, target]) => source * at.length + target).sort((a, b) => a - b);
      return price(key.join(" "), () =>
        crossing.flatMap(([source, target]) => {
          const pairs = kvPairs(at[source]!, at[target]!);
          const most = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax: bytesPerSecondMax / pairs.length };
          return pairs.map(([from, to]) => ({ from, to, ...most }));
        }),
      );
    },
  };
}

type Flows = NonNullable<FabricPlace["beside"]>["flows"];

interface ReplicaPricer {
  readonly cost: IterationCost;
  /** Links that its exchanges pass. */
  readonly links: ReadonlySet<number>;
  /** Absent: nothing of it goes over the fabric. */
  readonly price?: (key: string, flows: () => Flows) => IterationCost;
}

function replicaPricer(
  topology: Topology,
  pool: PlacedReplicas,
  of: { readonly replica: number; readonly priced: PoolOnFabric },
): ReplicaPricer {
  const { cost: plain, costBeside } = of.priced;
  const cost = must(plain, "the price of a pool's iterations");
  if (costBeside === undefined) return { cost, links: new Set() };
  // Over all its machines, as rings, and to every other one: whichever its collectives use.
  const own = { ...pool, replicas: 1, first: pool.first + of.replica * pool.nodes * pool.perNode };
  const pairs = [...exchangePairs(own, { kind: "all", nodes: pool.nodes }), ...sidePairsOf(pool, of.replica)];
  const known = new Map<string, IterationCost>();
  const price = (key: string, flows: () => Flows): IterationCost => {
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size === KEPT_PRICES) known.clear();
    const made = slower(cost, costBeside({ replica: of.replica, flows: flows() }));
    known.set(key, made);
    return made;
  };
  return { cost, links: new Set(pairs.flatMap(([from, to]) => [...topology.path(from, to)])), price };
}

/** A price that is never below that without other traffic: rates that were measured of a network count for that one alone. */
function slower(alone: IterationCost, beside: IterationCost): IterationCost {
  return { ...alone, iterationNs: (shape) => Math.max(alone.iterationNs(shape), beside.iterationNs(shape)) };
}
