import type { Nanoseconds } from "../../base/units.ts";

/**
 * Collectives of one job, one after another.
 *
 * `ring`: around each of `orders`, an equal part of the bytes on each (NCCL's channels). `tree`: up and down two binary trees that an order gives, the second
 * with the order turned round, half of the part on each; all-reduce only. `in-switch`: the one switch between all devices adds up what passes (NVLink SHARP);
 * all-reduce only. All-to-all goes straight between all pairs of its one order.
 */
export interface CollectiveJob {
  readonly name: string;
  readonly kind: "all-reduce" | "all-gather" | "reduce-scatter" | "all-to-all";
  readonly algorithm?: "ring" | "tree" | "in-switch";
  /** Devices in the order in which they send to one another; each order has the same devices. */
  readonly orders: readonly (readonly number[])[];
  /** Buffer as nccl-tests counts it: of a rank, or gathered. */
  readonly bytes: number;
  readonly startNs: Nanoseconds;
  /** One step, beside the bytes it moves; 0 where absent. */
  readonly stepNs?: Nanoseconds;
  /** How often it runs, with what between; once where absent. */
  readonly repeats?: number;
  readonly pauseNs?: Nanoseconds;
}

/** What became of a job beside the others. */
export interface CollectiveRun {
  readonly name: string;
  /** End of each repeat. */
  readonly endNs: readonly Nanoseconds[];
  /** Mean time of a repeat, and of one that has the network to itself. */
  readonly meanNs: number;
  readonly aloneNs: number;
  /** Bus rate as nccl-tests counts it, of the mean time. Units: bytes/s. */
  readonly busBytesPerSecond: number;
}

/** Bytes that pass each edge of a collective, and steps it takes. */
export interface CollectiveTraffic {
  /** Paths that move at one rate: of a ring or tree, whose slowest edge holds up the others; of an all-to-all, each pair alone. */
  readonly edges: readonly (readonly (readonly [from: number, to: number])[])[];
  readonly bytes: number;
  readonly steps: number;
}

/** Edges of a collective, how many steps it takes, and what each edge carries in all of them. Units: bytes. */
export function trafficOf({ kind, algorithm = "ring", orders, bytes }: CollectiveJob): CollectiveTraffic {
  const n = orders[0]!.length;
  if (kind === "all-to-all") {
    const devices = orders[0]!;
    const edges = devices.flatMap((from) => devices.filter((to) => to !== from).map((to) => [[from, to] as const]));
    return { edges, bytes: bytes / n, steps: 1 };
  }
  if (algorithm === "tree") {
    const trees = orders.flatMap((order) => [treeEdges(order), treeEdges([...order].reverse())]);
    return { edges: trees, bytes: bytes / trees.length, steps: 2 * depthOf(n) };
  }
  if (algorithm === "in-switch") {
    // Every device gives all of its bytes and writes its part of the sum, and gets its part and all of the sum: (1 + 1/n) each way, over the links of a ring.
    const rings = orders.map((order) => order.map((from, i) => [from, order[(i + 1) % n]!] as const));
    return { edges: rings, bytes: (bytes * (n + 1)) / (n * rings.length), steps: 2 };
  }
  const passes = kind === "all-reduce" ? 2 : 1;
  const rings = orders.map((order) => order.map((from, i) => [from, order[(i + 1) % n]!] as const));
  return { edges: rings, bytes: (passes * (n - 1) * bytes) / (n * rings.length), steps: passes * (n - 1) };
}

/** Bus rate over bytes a second. Source: nccl-tests PERFORMANCE.md. */
export function busFactor({ kind, orders }: CollectiveJob): number {
  const n = orders[0]!.length;
  return ((kind === "all-reduce" ? 2 : 1) * (n - 1)) / n;
}

/** Both ways between every device but the first and its parent. */
function treeEdges(order: readonly number[]): (readonly [number, number])[] {
  return order.slice(1).flatMap((device, i) => {
    const parent = order[Math.floor(i / 2)]!;
    return [[device, parent] as const, [parent, device] as const];
  });
}

function depthOf(devices: number): number {
  let depth = 0;
  for (let inner = devices; inner > 1; inner = Math.floor(inner / 2)) depth++;
  return depth;
}
