import { err, ok, type Result } from "../../base/result.ts";
import type { Topology } from "../../rack/topology/topology.ts";
import type { TopologyFault } from "../../rack/topology/topology-fault.ts";
import { busFactor, type CollectiveJob, type CollectiveRun, type CollectiveTraffic, trafficOf } from "./collective-job.ts";
import { createFlowNetwork } from "./flow-network.ts";
import { topologyLinks } from "./topology-links.ts";

/** Flows of all jobs together that are simulated at most. */
const FLOWS_MAX = 1_000_000;

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
  const traffics = jobs.map(trafficOf);
  const flows = traffics.reduce((sum, { edges }, j) => sum + edges.length * (jobs[j]!.repeats ?? 1), 0);
  if (flows > FLOWS_MAX) return err({ code: "topology-invalid", detail: `${flows} flows, at most ${FLOWS_MAX} are simulated` });
  const ends = run(topology, jobs, traffics);
  return ok(
    jobs.map((job, j) => {
      const endNs = ends[j]!;
      const { repeats = 1, pauseNs = 0 } = job;
      const meanNs = (endNs[repeats - 1]! - job.startNs - (repeats - 1) * pauseNs) / repeats;
      const aloneNs = run(topology, [{ ...job, startNs: 0, repeats: 1 }], [traffics[j]!])[0]![0]!;
      const busBytesPerSecond = meanNs > 0 ? (job.bytes * busFactor(job) * 1e9) / meanNs : 0;
      return { name: job.name, endNs, meanNs, aloneNs, busBytesPerSecond };
    }),
  );
}

function run(topology: Topology, jobs: readonly CollectiveJob[], traffics: readonly CollectiveTraffic[]): number[][] {
  const network = createFlowNetwork(topologyLinks(topology));
  const paths = traffics.map(({ edges }) => edges.map((group) => group.flatMap(([from, to]) => topology.path(from, to))));
  const ends: number[][] = jobs.map(() => []);
  const left = jobs.map(() => 0);
  const jobOf = new Map<number, number>();
  /** Repeats that have not started, by job: when they do. */
  const starts = new Map<number, number>(jobs.map(({ startNs }, j) => [j, startNs]));
  let flow = 0;
  const begin = (j: number, nowNs: number): void => {
    left[j] = paths[j]!.length;
    for (const path of paths[j]!) {
      jobOf.set(flow, j);
      network.start(flow++, path, { bytes: traffics[j]!.bytes, nowNs });
    }
  };
  const finished = (ended: number, timeNs: number): void => {
    const j = jobOf.get(ended)!;
    jobOf.delete(ended);
    left[j] = left[j]! - 1;
    if (left[j]! > 0) return;
    const { stepNs = 0, repeats = 1, pauseNs = 0 } = jobs[j]!;
    const endNs = timeNs + traffics[j]!.steps * stepNs;
    ends[j]!.push(endNs);
    if (ends[j]!.length < repeats) starts.set(j, endNs + pauseNs);
  };
  for (;;) {
    const finish = network.nextFinish()?.timeNs ?? Number.POSITIVE_INFINITY;
    const start = Math.min(...starts.values());
    const nowNs = Math.min(finish, start);
    if (nowNs === Number.POSITIVE_INFINITY) return ends;
    network.advance(nowNs, finished);
    for (const [j, at] of [...starts]) {
      if (at > nowNs) continue;
      starts.delete(j);
      begin(j, nowNs);
    }
  }
}

function faultOf(
  { devices }: Topology,
  { kind, algorithm, orders, bytes, startNs, stepNs = 0, repeats = 1, pauseNs = 0 }: CollectiveJob,
): string | undefined {
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
  if (kind !== "all-reduce" && algorithm === "tree") return `no tree does ${kind}`;
  if (!(bytes >= 0 && bytes < Number.POSITIVE_INFINITY)) return `${bytes} bytes`;
  const times = [startNs, stepNs, pauseNs];
  if (!times.every((ns) => Number.isSafeInteger(ns) && ns >= 0)) return "times are whole nanoseconds from 0 on";
  return Number.isSafeInteger(repeats) && repeats >= 1 ? undefined : `${repeats} repeats`;
}
