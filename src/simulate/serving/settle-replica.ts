import { setWake } from "../../base/wake-heap.ts";
import { passPlainSteps } from "../../engine/serving/complete-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import { gainedTokens } from "../../policy/serving/token-gain.ts";
import type { IterationListener } from "./serving-input.ts";
import type { ReplicaLane, ServingRun } from "./serving-state.ts";

/**
 * Does what a replica has done before `nowNs`, or by then, of the leap it is in.
 *
 * Complexity: linear in its running requests where there is something.
 */
export function settleReplica(run: ServingRun, index: number, nowNs: number, inclusive: boolean): void {
  const lane = run.lanes[index]!;
  let at = lane.at;
  while (at < lane.last && (lane.ends[at]! < nowNs || (inclusive && lane.ends[at] === nowNs))) at += 1;
  if (at === lane.at) return;
  if (run.input.onIteration !== undefined) tellPlainSteps(run.input.onIteration, run.replicas[index]!, lane, at);
  passPlainSteps(run.replicas[index]!, run.context.requests, at - lane.at);
  lane.busyNs += lane.ends[at - 1]! - lane.startNs;
  lane.startNs = lane.ends[at - 1]!;
  lane.at = at;
}

/** Ends a leap at the iteration under way, because a request arrived. */
export function cutLeap(run: ServingRun, index: number): void {
  const lane = run.lanes[index]!;
  if (lane.at === lane.last) return;
  lane.reach = Math.max(4, lane.at * 2);
  lane.last = lane.at;
  setWake(run.wakes, index, lane.ends[lane.at]!);
}

/** Tells of the iterations of a leap up to `until`, each with the contexts it had. */
function tellPlainSteps(tell: IterationListener, replica: ServingReplica, lane: ReplicaLane, until: number): void {
  const { shape } = replica.executing;
  const context = shape.decodeContext;
  const longest = shape.decodeContextMax;
  const first = replica.steps - 1 - (replica.planned.active ? 1 : 0);
  for (let i = lane.at; i < until; i++) {
    tell(replica.index, i === lane.at ? lane.startNs : lane.ends[i - 1]!, lane.ends[i]!, shape, 0, 0);
    const gained = gainedTokens(replica.gain, first + i - lane.at, 1);
    shape.decodeContext += gained * replica.runningCount;
    shape.decodeContextMax += gained;
  }
  shape.decodeContext = context;
  shape.decodeContextMax = longest;
}
