import type { BytesPerSecond } from "../../base/units.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import { createFlowNetwork } from "./flow-network.ts";
import { topologyLinks } from "./topology-links.ts";

/** More bytes than any flow moves before its rate is read. */
const ENDLESS = 1e18;

/**
 * Max-min fair rates of flows between pairs of devices that are all under way at once, in the order given; infinite where both are one device. Other flows
 * are under way beside them, each at most at its own rate.
 */
export function fairRates(
  topology: Topology,
  pairs: readonly (readonly [from: number, to: number])[],
  beside: readonly { readonly from: number; readonly to: number; readonly bytesPerSecondMax?: BytesPerSecond }[] = [],
): BytesPerSecond[] {
  const network = createFlowNetwork(topologyLinks(topology));
  for (const [flow, [from, to]] of pairs.entries())
    if (from !== to) network.start(flow, topology.path(from, to), { bytes: ENDLESS, nowNs: 0 });
  for (const [at, { from, to, bytesPerSecondMax }] of beside.entries()) {
    const most = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax };
    if (from !== to) network.start(pairs.length + at, topology.path(from, to), { bytes: ENDLESS, nowNs: 0 }, most);
  }
  network.advance(1);
  return pairs.map(([from, to], flow) => (from === to ? Number.POSITIVE_INFINITY : network.rateOf(flow)));
}
