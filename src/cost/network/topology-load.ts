import type { Nanoseconds } from "../../base/units.ts";
import type { Topology } from "../../rack/topology/topology.ts";

/** A pattern of transfers that all start at once: sender, receiver and bytes of each. */
export type TransferPattern = Iterable<readonly [from: number, to: number, bytes: number]>;

/** Where a pattern is slowest. */
export interface TopologyLoad {
  /** Bytes over each link. */
  readonly bytes: Float64Array;
  /** The link that needs longest for its bytes; -1 where nothing moves. */
  readonly busiest: number;
  /** What it needs: no schedule over these paths ends earlier, and fair sharing ends then where patterns are symmetric. Units: ns. */
  readonly leastNs: Nanoseconds;
}

/** Loads of the links under a pattern over a topology's own paths. Complexity: the sum of the paths' lengths. */
export function topologyLoad(topology: Topology, pattern: TransferPattern): TopologyLoad {
  const bytes = new Float64Array(topology.from.length);
  for (const [from, to, size] of pattern) for (const link of topology.path(from, to)) bytes[link] = bytes[link]! + size;
  let busiest = -1;
  let leastNs = 0;
  bytes.forEach((load, link) => {
    const ns = (load / topology.bytesPerSecond[link]!) * 1e9;
    if (ns > leastNs) {
      leastNs = ns;
      busiest = link;
    }
  });
  return { bytes, busiest, leastNs };
}

/** Every device of a group sends a part of its `bytes` to every other. */
export function* allToAllPattern(devices: readonly number[], bytes: number): TransferPattern {
  for (const from of devices) for (const to of devices) if (from !== to) yield [from, to, bytes / devices.length];
}

/** Every device sends to the next in the order given, as one step of a ring does, and in the other direction too where `bothWays`. */
export function* ringPattern(devices: readonly number[], bytes: number, bothWays: boolean): TransferPattern {
  for (let i = 0; i < devices.length; i++) {
    const next = devices[(i + 1) % devices.length]!;
    yield [devices[i]!, next, bothWays ? bytes / 2 : bytes];
    if (bothWays) yield [next, devices[i]!, bytes / 2];
  }
}
