import { assert } from "../../base/assert.ts";
import { itemAt } from "../../base/int-deque.ts";
import { setWake } from "../../base/wake-heap.ts";
import { blocksWithoutKeys } from "../../engine/serving/block-pool.ts";
import { completeStep } from "../../engine/serving/complete-step.ts";
import { stepsUntilGate } from "../../engine/serving/prompt-gate.ts";
import type { RequestTable } from "../../engine/serving/request-table.ts";
import { blocksForPlainSteps, scheduleStep } from "../../engine/serving/schedule-step.ts";
import type { ServingReplica, ServingStep } from "../../engine/serving/serving-replica.ts";
import { gainedTokens } from "../../policy/serving/token-gain.ts";
import { startAdapterLoads, takeLink } from "./load-adapters.ts";
import { startFetches } from "./move-kv.ts";
import { rowEnded } from "./request-ended.ts";
import type { ReplicaLane, ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";
import { stepNs } from "./step-ns.ts";

/** Most iterations one leap prices ahead. */
const REACH_MAX = 4096;

/** A replica reaches the end of an iteration, or starts after a pause: outputs, the next iteration, and when to look again. */
export function advanceReplica(run: ServingRun, index: number, nowNs: number): void {
  const replica = run.replicas[index]!;
  const lane = run.lanes[index]!;
  settleReplica(run, index, nowNs, false);
  if (replica.executing.active) finishStep(run, replica, lane, nowNs);
  if (replica.rules.stepsAhead === 1) {
    swapSteps(replica);
    if (!replica.executing.active) {
      scheduleStep(replica, replica.executing, run.context, nowNs);
      if (!replica.executing.active) scheduleStep(replica, replica.executing, run.context, nowNs);
    }
    if (replica.executing.active) scheduleStep(replica, replica.planned, run.context, nowNs);
  } else {
    scheduleStep(replica, replica.executing, run.context, nowNs);
    // A preempted request is admitted again at the earliest in the iteration after.
    if (!replica.executing.active) scheduleStep(replica, replica.executing, run.context, nowNs);
  }
  startFetches(run, replica, nowNs);
  startAdapterLoads(run, replica, nowNs);
  lane.at = 0;
  lane.last = 0;
  if (!replica.executing.active) {
    const coming = replica.adapters !== undefined && replica.adapters.coming.length > 0;
    const waiting = replica.arrived.size > 0 || (replica.waiting.size > 0 && replica.detached === 0);
    const stuck = replica.runningCount > 0 || (waiting && !coming);
    assert(!stuck, "a replica with requests has nothing to run", index);
    return;
  }
  lane.startNs = nowNs;
  const { loadNs } = replica.executing;
  const loadedNs = loadNs === 0 ? nowNs : takeLink(lane, nowNs, loadNs);
  lane.ends[0] = loadedNs + stepNs(lane, replica.executing.shape);
  if (run.input.stepping === "leap") leap(run, replica, lane);
  setWake(run.wakes, index, lane.ends[lane.last]!);
}

function finishStep(run: ServingRun, replica: ServingReplica, lane: ReplicaLane, nowNs: number): void {
  const step = replica.executing;
  lane.busyNs += nowNs - lane.startNs;
  run.input.onIteration?.(replica.index, lane.startNs, nowNs, step.shape, step.firsts.size, step.endings.size);
  for (let i = 0; i < step.firsts.size; i++) {
    const request = itemAt(step.firsts, i);
    if (run.firstTokenNs[request]! < 0) run.firstTokenNs[request] = nowNs;
  }
  completeStep(replica, step, run.context, nowNs);
  for (let i = 0; i < step.endings.size; i++) rowEnded(run, itemAt(step.endings, i), nowNs);
  step.active = false;
}

function swapSteps(replica: ServingReplica): void {
  const done: ServingStep = replica.executing;
  replica.executing = replica.planned;
  replica.planned = done;
}

/**
 * Prices iterations ahead for as long as nothing but an arrival can change the batch: nobody ends, and blocks last without a
 * change in what routing sees of the cache.
 *
 * Complexity: linear in the running requests and in the iterations; no allocation but growth by doubling.
 */
function leap(run: ServingRun, replica: ServingReplica, lane: ReplicaLane): void {
  const { executing, planned, runningCount, gain } = replica;
  if (!executing.plain) return;
  const ahead = replica.rules.stepsAhead;
  const running = replica.steps - 1 - ahead;
  if (ahead === 1) {
    const next = executing.shape.decodeContext + runningCount * gainedTokens(gain, running, 1);
    if (!planned.plain || planned.shape.decodeContext !== next || executing.shape.decodes !== runningCount) return;
  }
  let count = Math.min(Math.floor((replica.leastLeft - 1) / (1 + gain.draftTokens)), lane.reach, stepsUntilGate(replica));
  if (count <= 0) return;
  count = iterationsWithRoom(replica, run.context.requests, count);
  if (lane.ends.length <= count) lane.ends = grown(lane.ends, count + 1);
  const { shape } = executing;
  const context = shape.decodeContext;
  const longest = shape.decodeContextMax;
  for (let i = 1; i <= count; i++) {
    const gained = gainedTokens(gain, running + i - 1, 1);
    shape.decodeContext += gained * runningCount;
    shape.decodeContextMax += gained;
    lane.ends[i] = lane.ends[i - 1]! + stepNs(lane, shape);
  }
  shape.decodeContext = context;
  shape.decodeContextMax = longest;
  lane.last = count;
  if (count === lane.reach && lane.reach < REACH_MAX) lane.reach *= 2;
}

/** Iterations for which blocks last without a whole key losing one: what routing sees of the cache stays as it is during a leap. */
function iterationsWithRoom(replica: ServingReplica, requests: RequestTable, most: number): number {
  let count = most;
  let wanted = blocksForPlainSteps(replica, requests, count);
  const room = blocksWithoutKeys(replica.pool, wanted);
  while (wanted > room) {
    count >>= 1;
    wanted = count === 0 ? 0 : blocksForPlainSteps(replica, requests, count);
  }
  return count;
}

function grown(ends: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(Math.max(length, ends.length * 2));
  longer.set(ends);
  return longer;
}
