import { err, ok, type Result } from "../../base/result.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { TopologyFault } from "../../rack/topology/topology-fault.ts";
import { busFactor, type CollectiveJob, type CollectiveRun, trafficOf } from "./collective-job.ts";
import { createFlowNetwork } from "./flow-network.ts";
import { topologyLinks } from "./topology-links.ts";

/** Flows of all jobs and repeats that are simulated at most, and places of links that those of one repeat may take: all have room for the longest path. */
const FLOWS_MAX = 1_000_000;
const PLACES_MAX = 33_554_432;
/** Times are counted up to here, 104 days. */
const LATEST_NS = Number.MAX_SAFE_INTEGER;

/**
 * Jobs whose collectives share a topology's links: when each repeat ends, and how much slower that is than alone.
 *
 * Model: a ring or tree works in pieces that pass it like a pipeline, so all its edges move at the rate of the slowest: one flow over all their links, a link that
 * two edges use counted twice. Pairs of an all-to-all are flows of their own. Flows share links max-min; steps' latencies come after the bytes.
 * Errors: `topology-invalid` for jobs that name no such devices, orders of unlike devices, or sizes that are none.
 */
export function simulateCollectives(topology: Topology, jobs: readonly CollectiveJob[]): Result<CollectiveRun[], TopologyFault> {
  for (const job of jobs) {
    const detail = faultOf(topology, job);
    if (detail !== undefined) return err({ code: "topology-invalid", detail: `job ${job.name}: ${detail}` });
  }
  const flows = jobs.reduce((sum, job) => sum + flowsOf(job) * (job.repeats ?? 1), 0);
  if (flows > FLOWS_MAX) return err({ code: "topology-invalid", detail: `${flows} flows, at most ${FLOWS_MAX} are simulated` });
  const routed = jobs.map((job) => routedOf(topology, job));
  const places = routed.reduce((sum, { paths }) => sum + paths.length, 0) * longestPath(routed);
  if (places > PLACES_MAX)
    return err({ code: "topology-invalid", detail: "rings of so many devices beside so many flows take too much memory" });
  const ends = run(topology, jobs, routed);
  const stuck = jobs.findIndex((job, j) => ends[j]!.length < (job.repeats ?? 1));
  if (stuck !== -1)
    return err({
      code: "topology-invalid",
      detail: `job ${jobs[stuck]!.name} does not end within 104 days, or a link of its paths is down`,
    });
  return ok(
    jobs.map((job, j) => {
      const endNs = ends[j]!;
      const { repeats = 1, pauseNs = 0 } = job;
      const meanNs = (endNs[repeats - 1]! - job.startNs - (repeats - 1) * pauseNs) / repeats;
      const aloneNs = run(topology, [{ ...job, startNs: 0, repeats: 1 }], [routed[j]!])[0]![0]!;
      const busBytesPerSecond = meanNs > 0 ? (job.bytes * busFactor(job) * 1e9) / meanNs : 0;
      return { name: job.name, endNs, meanNs, aloneNs, busBytesPerSecond };
    }),
  );
}

/** A job's flows over links. */
interface RoutedJob {
  readonly paths: readonly Int32Array[];
  readonly bytes: number;
  readonly steps: number;
}

function flowsOf({ kind, algorithm, orders }: CollectiveJob): number {
  const n = orders[0]!.length;
  return kind === "all-to-all" ? n * (n - 1) : orders.length * (algorithm === "tree" ? 2 : 1);
}

function routedOf(topology: Topology, job: CollectiveJob): RoutedJob {
  const { edges, bytes, steps } = trafficOf(job);
  const paths = edges.map((group) => Int32Array.from(group.flatMap(([from, to]) => topology.path(from, to))));
  return { paths, bytes, steps };
}

function longestPath(routed: readonly RoutedJob[]): number {
  let longest = 1;
  for (const { paths } of routed) for (const { length } of paths) while (longest < length) longest *= 2;
  return longest;
}

function run(topology: Topology, jobs: readonly CollectiveJob[], routed: readonly RoutedJob[]): number[][] {
  const network = createFlowNetwork(topologyLinks(topology));
  const ends: number[][] = jobs.map(() => []);
  const left = jobs.map(() => 0);
  const jobOf = new Map<number, number>();
  /** Repeats that have not started, by job: when they do. */
  const starts = new Map<number, number>(jobs.map(({ startNs }, j) => [j, startNs]));
  let flow = 0;
  const begin = (j: number, nowNs: number): void => {
    const { paths, bytes } = routed[j]!;
    left[j] = paths.length;
    for (const path of paths) {
      jobOf.set(flow, j);
      network.start(flow++, path, { bytes, nowNs });
    }
  };
  const finished = (ended: number, timeNs: number): void => {
    const j = jobOf.get(ended)!;
    jobOf.delete(ended);
    left[j] = left[j]! - 1;
    if (left[j]! > 0) return;
    const { stepNs = 0, repeats = 1, pauseNs = 0 } = jobs[j]!;
    const endNs = timeNs + routed[j]!.steps * stepNs;
    ends[j]!.push(endNs);
    if (ends[j]!.length < repeats) starts.set(j, endNs + pauseNs);
  };
  for (;;) {
    const finish = network.nextFinish()?.timeNs ?? Number.POSITIVE_INFINITY;
    const start = Math.min(...starts.values());
    const nowNs = Math.min(finish, start);
    if (nowNs > LATEST_NS) return ends;
    network.advance(nowNs, finished);
    for (const [j, at] of [...starts]) {
      if (at > nowNs) continue;
      starts.delete(j);
      begin(j, nowNs);
    }
  }
}

function faultOf(
  topology: Topology,
  { kind, algorithm, orders, bytes, startNs, stepNs = 0, repeats = 1, pauseNs = 0 }: CollectiveJob,
): string | undefined {
  const { devices } = topology;
  const first = orders[0];
  if (first === undefined || first.length < 2) return "an order needs two devices at least";
  const members = new Set(first);
  for (const order of orders) {
    const unknown = order.find((device) => !(Number.isInteger(device) && device >= 0 && device < devices));
    if (unknown !== undefined) return `device ${unknown} of ${devices}`;
    if (new Set(order).size !== order.length) return "an order names a device twice";
    if (order.length !== first.length || order.some((device) => !members.has(device))) return "orders have unlike devices";
  }
  if (kind === "all-to-all" && (orders.length > 1 || algorithm !== undefined)) return "an all-to-all has one order and no algorithm";
  if (kind !== "all-reduce" && (algorithm === "tree" || algorithm === "in-switch")) return `no ${algorithm} algorithm does ${kind}`;
  if (algorithm === "in-switch" && !orders.every((order) => aroundOneSwitch(topology, order)))
    return "in-switch sums need one switch between all devices";
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return `${bytes} bytes`;
  const times = [startNs, stepNs, pauseNs];
  if (!times.every((ns) => Number.isSafeInteger(ns) && ns >= 0)) return "times are whole nanoseconds from 0 on";
  return Number.isSafeInteger(repeats) && repeats >= 1 ? undefined : `${repeats} repeats`;
}

function aroundOneSwitch(topology: Topology, order: readonly number[]): boolean {
  const centres = new Set<number>();
  for (const [i, from] of order.entries()) {
    const path = topology.path(from, order[(i + 1) % order.length]!);
    if (path.length !== 2) return false;
    centres.add(topology.to[path[0]!]!);
  }
  return centres.size === 1;
}
