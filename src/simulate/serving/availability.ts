import { TimeHeap } from "../../base/heap.ts";
import { itemAt } from "../../base/int-deque.ts";
import { clearWake } from "../../base/wake-heap.ts";
import { resetPool } from "../../engine/serving/block-pool.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { loseRequest } from "../../engine/serving/lose-request.ts";
import { clearStep } from "../../engine/serving/serving-replica.ts";
import { replicasWanted } from "../../policy/serving/scaling.ts";
import type { Availability, Change } from "./availability-types.ts";
import { outagesOf } from "./draw-outages.ts";
import type { Outage, ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

export const STATE = { absent: 0, starting: 1, serving: 2, draining: 3, lost: 4 } as const;

export function availability(input: ServingInput): Availability {
  const { replicas, requests, outages = [], scaling } = input;
  const initial = scaling?.initial ?? replicas.length;
  const startNs = requests.count === 0 ? 0 : requests.arrivalNs[0]!;
  const changes = new TimeHeap<Change>();
  for (const { replica, atNs, untilNs } of outages) {
    changes.push(atNs, { kind: "lost", replica });
    if (untilNs !== Infinity) changes.push(untilNs, { kind: "back", replica });
  }
  const nextOutage = replicas.map(({ outages: rates }, i) =>
    rates === undefined ? undefined : outagesOf(i, rates, startNs, input.outageSeed ?? input.seed),
  );
  for (const next of nextOutage) pushOutage(changes, next);
  if (scaling !== undefined) changes.push(startNs + scaling.everyNs, { kind: "look" });
  return {
    state: Uint8Array.from(replicas, (_, i) => (i < initial ? STATE.serving : STATE.absent)),
    orderedNs: Float64Array.from(replicas, (_, i) => (i < initial ? startNs : -1)),
    replicaNs: new Float64Array(replicas.length),
    nextOutage,
    resent: 0,
    changes,
    stranded: [],
  };
}

function pushOutage(changes: TimeHeap<Change>, next: (() => Outage) | undefined): void {
  if (next === undefined) return;
  const { replica, atNs, untilNs } = next();
  changes.push(atNs, { kind: "lost", replica });
  changes.push(untilNs, { kind: "back", replica });
}

/** Does the next change of what serves. */
export function changeAvailability(run: ServingRun, nowNs: number): void {
  const { available } = run;
  const change = available.changes.pop()!;
  if (change.kind === "back") pushOutage(available.changes, available.nextOutage[change.replica]);
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
  const resubmitNs = run.input.replicas[index]!.outages?.resubmitNs ?? run.input.resubmitNs ?? 0;
  available.resent += there.length;
  for (const request of there) {
    loseRequest(requests, request, run.firstTokenNs[request]! >= 0);
    run.spawned.push(nowNs + resubmitNs, request);
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
  available.replicaNs[index]! += nowNs - available.orderedNs[index]!;
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

/** Time for which each replica was ordered until the end of a run. */
export function orderedReplicaNs({ available, endedNs }: ServingRun): Float64Array {
  return available.orderedNs.map((since, i) => available.replicaNs[i]! + (since < 0 ? 0 : Math.max(0, endedNs - since)));
}

/** Candidates anew; another array, so that nobody takes the old ones for whole. */
function regroup(run: ServingRun): void {
  const { state } = run.available;
  const serving = (index: number): boolean => state[index] === STATE.serving;
  run.prompts = run.allPrompts.filter(serving);
}
