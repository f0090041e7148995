import { TimeHeap } from "../../base/heap.ts";
import { itemAt } from "../../base/int-deque.ts";
import { clearWake } from "../../base/wake-heap.ts";
import { resetPool } from "../../engine/serving/block-pool.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { loseRequest } from "../../engine/serving/lose-request.ts";
import { clearStep } from "../../engine/serving/serving-replica.ts";
import { replicasWanted } from "../../policy/serving/scaling.ts";
import type { Availability, Change } from "./availability-types.ts";
import type { ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

export const STATE = { absent: 0, starting: 1, serving: 2, draining: 3, lost: 4 } as const;

export function availability({ replicas, outages = [], scaling }: ServingInput): Availability {
  const initial = scaling?.initial ?? replicas.length;
  const changes = new TimeHeap<Change>();
  for (const { replica, atNs, untilNs } of outages) {
    changes.push(atNs, { kind: "lost", replica });
    if (untilNs !== Infinity) changes.push(untilNs, { kind: "back", replica });
  }
  if (scaling !== undefined) changes.push(scaling.everyNs, { kind: "look" });
  return {
    state: Uint8Array.from(replicas, (_, i) => (i < initial ? STATE.serving : STATE.absent)),
    orderedNs: Float64Array.from(replicas, (_, i) => (i < initial ? 0 : -1)),
    replicaNs: 0,
    changes,
    stranded: [],
  };
}

/** Does the next change of what serves. */
export function changeAvailability(run: ServingRun, nowNs: number): void {
  const { available } = run;
  const change = available.changes.pop()!;
  if (change.kind === "look") look(run, nowNs);
  else if (change.kind === "lost") loseReplica(run, change.replica, nowNs);
  else if (available.state[change.replica] === (change.kind === "started" ? STATE.starting : STATE.lost)) {
    available.state[change.replica] = STATE.serving;
    recordDecision(run.context.log, DECISION.replica, change.replica, 0, nowNs, STATE.serving);
    regroup(run);
    for (const request of available.stranded.splice(0)) run.spawned.push(nowNs, request);
  }
}

/** A host is lost: what its replica held is gone, and its requests are sent again with the text they have. */
function loseReplica(run: ServingRun, index: number, nowNs: number): void {
  const { available, context } = run;
  const { requests, log } = context;
  if (available.state[index] === STATE.absent || available.state[index] === STATE.lost) return;
  settleReplica(run, index, nowNs, false);
  const replica = run.replicas[index]!;
  const lane = run.lanes[index]!;
  if (replica.executing.active) lane.busyNs += nowNs - lane.startNs;
  available.state[index] = STATE.lost;
  recordDecision(log, DECISION.replica, index, 0, nowNs, STATE.lost);
  const there: number[] = [];
  for (let i = 0; i < replica.runningCount; i++) there.push(replica.running[i]!);
  for (let i = 0; i < replica.waiting.size; i++) there.push(itemAt(replica.waiting, i));
  for (const request of there) {
    loseRequest(requests, request, run.firstTokenNs[request]! >= 0);
    run.spawned.push(nowNs + (run.input.resubmitNs ?? 0), request);
  }
  resetPool(replica.pool, requests.parked);
  replica.runningCount = 0;
  replica.waiting.size = 0;
  replica.backlogTokens = 0;
  replica.contextTokens = 0;
  clearStep(replica.executing);
  clearStep(replica.planned);
  lane.at = 0;
  lane.last = 0;
  clearWake(run.wakes, index);
  run.question.loads[index] = 0;
  regroup(run);
}

/** The scaling rules look at the load; those that are drained are given back once they are empty. */
function look(run: ServingRun, nowNs: number): void {
  const { available, replicas, input } = run;
  const rules = input.scaling!;
  const { state, orderedNs } = available;
  const { loads } = run.question;
  let requests = available.stranded.length;
  let serving = 0;
  let starting = 0;
  for (let i = 0; i < replicas.length; i++) {
    requests += loads[i]!;
    if (state[i] === STATE.serving) serving += 1;
    else if (state[i] === STATE.starting) starting += 1;
    else if (state[i] === STATE.draining && loads[i] === 0) giveBackReplica(run, i, nowNs);
  }
  let missing = replicasWanted({ serving, starting, requests }, rules) - serving - starting;
  for (let i = 0; i < replicas.length && missing > 0; i++) {
    if (state[i] !== STATE.absent && state[i] !== STATE.draining) continue;
    const warm = state[i] === STATE.draining;
    state[i] = warm ? STATE.serving : STATE.starting;
    if (!warm) {
      orderedNs[i] = nowNs;
      available.changes.push(nowNs + input.replicas[i]!.startUpNs, { kind: "started", replica: i });
    }
    recordDecision(run.context.log, DECISION.replica, i, 0, nowNs, state[i]!);
    missing -= 1;
  }
  for (let i = replicas.length - 1; i >= 0 && missing < 0; i--) {
    if (state[i] !== STATE.serving) continue;
    state[i] = STATE.draining;
    recordDecision(run.context.log, DECISION.replica, i, 0, nowNs, STATE.draining);
    if (loads[i] === 0) giveBackReplica(run, i, nowNs);
    missing += 1;
  }
  regroup(run);
  const hope = state.some((one) => one !== STATE.lost);
  if (hope && run.ended + run.rejected < input.requests.count) available.changes.push(nowNs + rules.everyNs, { kind: "look" });
}

function giveBackReplica(run: ServingRun, index: number, nowNs: number): void {
  const { available } = run;
  available.state[index] = STATE.absent;
  available.replicaNs += nowNs - available.orderedNs[index]!;
  available.orderedNs[index] = -1;
  // A replica that is ordered again starts with an empty cache.
  resetPool(run.replicas[index]!.pool, run.context.requests.parked);
}

/** No replica will ever come for these. */
export function refuseStranded(run: ServingRun): void {
  const { log } = run.context;
  for (const request of run.available.stranded.splice(0)) {
    run.rejected += 1;
    recordDecision(log, DECISION.reject, 0, request, log.lastNs, 0);
  }
}

/** Time for which replicas were ordered until the end of a run. */
export function orderedReplicaNs({ available, endedNs }: ServingRun): number {
  let sum = available.replicaNs;
  for (const since of available.orderedNs) if (since >= 0) sum += Math.max(0, endedNs - since);
  return sum;
}

/** Candidates anew; another array, so that nobody takes the old ones for whole. */
function regroup(run: ServingRun): void {
  const { state } = run.available;
  const serving = (index: number): boolean => state[index] === STATE.serving;
  run.prompts = run.allPrompts.filter(serving);
}
