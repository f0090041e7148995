import { must } from "../../base/assert.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import { topologyLinks } from "../flows/topology-links.ts";
import type { KvWay, KvWays } from "../serving/serving-input.ts";
import { besideKv } from "./beside-kv.ts";
import { exchangePairs } from "./fabric-network.ts";
import type { PlacedReplicas } from "./fabric-place.ts";
import { kvPairs, type PlacedReplica } from "./kv-pairs.ts";
import type { PoolOnFabric } from "./pool-on-fabric.ts";
import { sidePairs } from "./side-pairs.ts";

/** Of a link's rate, what is left to KV at least: loads are those of full batches, and no link is full all the time. */
const LEAST_LEFT = 0.05;

/**
 * How KV goes between replicas over their fabric; undefined where they have none.
 *
 * Model: channels from the devices of one replica to those of the other, as many as the larger one has, each with an equal part of the KV; a transfer is one flow
 * over all links of its channels, as often as they pass each, because the slowest part ends it. Transfers share links max-min. What collectives of replicas on
 * several machines send on average, and attention and feed-forwards on devices of their own, with full batches, is taken off their links: KV gets what they leave. While it is on its way it slows them: see
 * `besideKv`.
 *
 * @param bytesPerSecondMax What one transfer reaches at most, over all its channels.
 */
export function kvWays(pools: readonly PoolOnFabric[], bytesPerSecondMax?: BytesPerSecond): KvWays | undefined {
  const place = pools[0]?.fabric;
  if (place === undefined) return undefined;
  const { topology, pools: placed } = place;
  const left = linksLeft(topology, placed, pools);
  const at = placed.flatMap((pool) => Array.from({ length: pool.replicas }, (_, replica) => ({ pool, replica })));
  const known = new Map<number, KvWay>();
  return {
    name: topology.name,
    links: topologyLinks(topology).map((_link, i) => ({ bytesPerSecond: left[i]! })),
    taken: left.reduce((most, rate, i) => Math.max(most, 1 - rate / topology.bytesPerSecond[i]!), 0),
    way(source, target) {
      const key = source * at.length + target;
      const found =
        known.get(key) ?? wayBetween(topology, left, must(at[source], "a placed replica"), must(at[target], "a placed replica"));
      known.set(key, found);
      return found;
    },
    ...besideKv(pools, place, { at, bytesPerSecondMax }),
  };
}

function wayBetween(topology: Topology, left: Float64Array, source: PlacedReplica, target: PlacedReplica): KvWay {
  const pairs = kvPairs(source, target);
  const channels = pairs.length;
  const path = pairs.flatMap(([sends, takes]) => [...topology.path(sends, takes)]);
  const passes = new Map<number, number>();
  for (const link of path) passes.set(link, (passes.get(link) ?? 0) + 1);
  let each = Number.POSITIVE_INFINITY;
  for (const [link, times] of passes) each = Math.min(each, left[link]! / times);
  return { path: Int32Array.from(path), channels, aloneBytesPerSecond: each * channels };
}

/** What collectives leave of each link. Units: bytes/s. */
function linksLeft(topology: Topology, placed: readonly PlacedReplicas[], pools: readonly PoolOnFabric[]): Float64Array {
  const left = Float64Array.from(topology.bytesPerSecond);
  for (const [i, { cardLoad, sideLoad }] of pools.entries()) {
    const sides = sideLoad?.();
    if (sides !== undefined) {
      for (const [from, to] of sidePairs(placed[i]!)) {
        const flow = from < placed[i]!.ffn!.first ? sides.there : sides.back;
        for (const link of topology.path(from, to)) left[link]! -= flow;
      }
    }
    const load = cardLoad?.();
    if (load === undefined) continue;
    const targets = load.pattern.kind === "all" ? Math.max(1, load.pattern.nodes - 1) : 1;
    for (const [from, to] of exchangePairs(placed[i]!, load.pattern))
      for (const link of topology.path(from, to)) left[link]! -= load.bytesPerSecond / targets;
  }
  return left.map((rate, link) => Math.max(rate, LEAST_LEFT * topology.bytesPerSecond[link]!));
}
