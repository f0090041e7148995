import type { Device, Link, Rack } from "../rack/rack.ts";
import type { Priced } from "./priced.ts";

/** Spread of a measured message between threads: waking a sleeping thread depends on what else the machine does. */
const HAND_OVER_SPREAD = 0.5;
/** Spread where a link of the same kind between other devices stands in. */
const OTHER_LINK_SPREAD = 1;
const NS_PER_SECOND = 1e9;

/** The link from one device to another; two stages on one device need `same-thread`. `undefined` where the rack has none. */
export function linkBetween(rack: Rack, from: string, to: string): Link | undefined {
  const between = rack.links.filter((link) => link.from === from && link.to === to);
  const wanted = from === to ? between.filter((link) => link.via === "same-thread") : between;
  return [...(wanted.length > 0 ? wanted : between)].sort((a, b) => a.latencyNs - b.latencyNs)[0];
}

/**
 * Time for `bytes` from one device to another: latency + bytes / bandwidth. Without a link between the two, the slowest one of the rack stands in,
 * with a wide interval; `undefined` where the rack has no link at all.
 *
 * Source: the rack file.
 */
export function transferCost(
  rack: Rack,
  route: { readonly from: string; readonly to: string; readonly bytes: number },
): Priced | undefined {
  const link = linkBetween(rack, route.from, route.to);
  if (link !== undefined) return priceOf(link, route.bytes, HAND_OVER_SPREAD);
  const slowest = [...rack.links].sort((a, b) => b.latencyNs - a.latencyNs)[0];
  if (slowest === undefined) return undefined;
  return { ...priceOf(slowest, route.bytes, OTHER_LINK_SPREAD), basis: "extrapolated" };
}

function priceOf(link: Link, bytes: number, spread: number): Priced {
  const ns = link.latencyNs + (bytes / link.bandwidthBytesPerSecond) * NS_PER_SECOND;
  return { ns, spread, basis: link.basis === "measured" ? "measured" : "data-sheet" };
}

/** Devices by id. */
export function deviceOf(rack: Rack, id: string): Device | undefined {
  return rack.devices.find((device) => device.id === id);
}
