import { HeddleError } from "../../base/heddle-error.ts";
import { hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import { type FrontTime, frontTimeOf, type MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { runFactor } from "../../cost/run-spread.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import type { ServingOutcome } from "../serving/serving-input.ts";

/** What of a pool says whose front end a client speaks to. */
export interface TakingPool {
  readonly name: string;
  readonly role: Pool["role"];
  readonly engine: Pick<Pool["engine"], "name">;
}

/**
 * Where the times of a fleet are taken: as asked, else at the client where all engines that take requests have a fitted front end.
 *
 * Errors: `no-basis` where a client's times are asked for and an engine has none.
 */
export function measuredAtOf(pools: readonly TakingPool[], asked: MeasuredAt | undefined): MeasuredAt {
  if (asked === "engine") return "engine";
  const without = pools.find(({ role, engine }) => role !== "decode" && frontTimeOf(engine.name, { mixture: false }) === undefined);
  if (without === undefined) return "client";
  if (asked === undefined) return "engine";
  throw new HeddleError("no-basis", {
    where: "--measure-at client",
    detail: `no front-end time was fitted of engine ${without.engine.name} (pool ${without.name}); --measure-at engine leaves it out`,
  });
}

/** Requests of a run, with its model and the pool of each replica. */
export interface FrontedRun {
  readonly architecture: SequenceModel;
  /** In the order of the pools, each with its replicas. */
  readonly pools: readonly { readonly pool: Pool }[];
}

/**
 * Time that each request waits for the front end of the replica that takes it; 0 of those that none took.
 *
 * Model: `ns + nsInFlight x requests in flight`, those of the replica that arrived and have not ended when the request arrives, itself included: in the
 * closed loops it was fitted on these are the clients. It delays no later request of a closed loop. `errorQuantile`: of its error, 0.5 as fitted. Units: ns. Complexity: n log n.
 */
export function frontTimes(
  { architecture, pools }: FrontedRun,
  outcome: Pick<ServingOutcome, "queuedNs" | "lastTokenNs" | "replica">,
  { errorQuantile }: { readonly errorQuantile: number },
): Float64Array {
  const of = { mixture: hasExperts(architecture) };
  const fronts: (FrontTime | undefined)[] = pools.flatMap(({ pool }) =>
    Array.from({ length: pool.replicas }, () => frontTimeOf(pool.engine.name, of)),
  );
  const { queuedNs, lastTokenNs, replica } = outcome;
  const times = new Float64Array(queuedNs.length);
  for (const [at, members] of byReplica(replica, fronts.length).entries()) {
    const front = fronts[at];
    if (front === undefined) continue;
    const factor = runFactor({ systematic: front.spread }, errorQuantile);
    const arrivals = Float64Array.from(members, (i) => queuedNs[i]!).sort();
    const ends = Float64Array.from(
      members.filter((i) => lastTokenNs[i]! >= 0),
      (i) => lastTokenNs[i]!,
    ).sort();
    for (const i of members) {
      const inFlight = countUpTo(arrivals, queuedNs[i]!) - countUpTo(ends, queuedNs[i]!);
      times[i] = Math.round(factor * (front.ns + front.nsInFlight * Math.max(1, inFlight)));
    }
  }
  return times;
}

function byReplica(replica: Int32Array, count: number): number[][] {
  const members = Array.from({ length: count }, (): number[] => []);
  for (const [i, of] of replica.entries()) members[of]?.push(i);
  return members;
}

/** How many values of an ascending array are at most a limit. */
function countUpTo(sorted: Float64Array, limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
