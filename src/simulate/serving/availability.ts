import { TimeHeap } from "../../base/heap.ts";
import { itemAt } from "../../base/int-deque.ts";
import { clearWake } from "../../base/wake-heap.ts";
import { forgetAdapters } from "../../engine/serving/adapter-slots.ts";
import { resetPool } from "../../engine/serving/block-pool.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { forgetImages } from "../../engine/serving/encoder-cache.ts";
import { loseRequest } from "../../engine/serving/lose-request.ts";
import { letGo } from "../../engine/serving/schedule-step.ts";
import { clearStep } from "../../engine/serving/serving-replica.ts";
import { replicasWanted } from "../../policy/serving/scaling.ts";
import type { Availability, Change, ScalingGroup } from "./availability-types.ts";
import { outagesOf } from "./draw-outages.ts";
import { loseDecodes, loseKept } from "./lose-split.ts";
import { nudge } from "./move-kv.ts";
import { releaseClients } from "./release-clients.ts";
import type { Outage, ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

export const STATE = { absent: 0, starting: 1, serving: 2, draining: 3, lost: 4 } as const;

/** Which replicas serve, start, drain or are down, with the changes that are due: outages given or drawn, and scaling. */
export function availability(input: ServingInput): Availability {
  const { replicas, requests, outages = [] } = input;
  const groups = scalingGroups(input);
  const initially = new Uint8Array(replicas.length).fill(STATE.serving);
  for (const { rules, replicas: own } of groups) for (const index of own.slice(rules.initial)) initially[index] = STATE.absent;
  const startNs = requests.count === 0 ? 0 : requests.arrivalNs[0]!;
  const changes = new TimeHeap<Change>();
  const returns = new Int32Array(replicas.length);
  for (const { replica, atNs, untilNs } of outages) {
    changes.push(atNs, { kind: "lost", replica });
    if (untilNs === Infinity) continue;
    changes.push(untilNs, { kind: "back", replica });
    returns[replica]! += 1;
  }
  const nextOutage = replicas.map(({ outages: rates }, i) =>
    rates === undefined ? undefined : outagesOf(i, rates, startNs, input.outageSeed ?? input.seed),
  );
  for (const next of nextOutage) pushOutage({ changes, returns }, next);
  for (const [group, { rules }] of groups.entries()) changes.push(startNs + rules.everyNs, { kind: "look", group });
  return {
    state: initially,
    orderedNs: Float64Array.from(initially, (state) => (state === STATE.serving ? startNs : -1)),
    replicaNs: new Float64Array(replicas.length),
    nextOutage,
    resent: 0,
    changes,
    returns,
    stranded: [],
    groups,
  };
}

/** The fleet as one group, or each pool that has rules of its own. */
function scalingGroups({ replicas, scaling, scalingOfPools }: ServingInput): ScalingGroup[] {
  const all = [...replicas.keys()];
  if (scaling !== undefined) return [{ rules: scaling, replicas: all, decodes: false }];
  return (scalingOfPools ?? []).flatMap((rules, pool): ScalingGroup[] => {
    const own = all.filter((index) => replicas[index]!.pool === pool);
    return rules === undefined ? [] : [{ rules, replicas: own, decodes: replicas[own[0]!]!.role === "decode" }];
  });
}

function pushOutage({ changes, returns }: Pick<Availability, "changes" | "returns">, next: (() => Outage) | undefined): void {
  if (next === undefined) return;
  const { replica, atNs, untilNs } = next();
  changes.push(atNs, { kind: "lost", replica });
  changes.push(untilNs, { kind: "back", replica });
  returns[replica]! += 1;
}

/** Whether a row that found no replica may still find one: one of those that take such rows is not lost for good. */
export function strandedMayGo({ available, allPrompts, allDecodes, input }: ServingRun): boolean {
  const { state, returns, stranded } = available;
  const comes = (index: number): boolean => state[index] !== STATE.lost || returns[index]! > 0;
  const { count } = input.requests;
  return (
    (stranded.some((row) => row < count) && allPrompts.some(comes)) || (stranded.some((row) => row >= count) && allDecodes.some(comes))
  );
}

/** Does the next change of what serves. */
export function changeAvailability(run: ServingRun, nowNs: number): void {
  const { available } = run;
  const change = available.changes.pop()!;
  if (change.kind === "back") {
    available.returns[change.replica]! -= 1;
    pushOutage(available, available.nextOutage[change.replica]);
  }
  if (change.kind === "look") look(run, change.group, nowNs);
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
  for (let i = 0; i < replica.arrived.size; i++) there.push(itemAt(replica.arrived, i));
  for (const row of run.coming.keys()) if (requests.at[row] === index) there.push(row);
  const { role, outages } = run.input.replicas[index]!;
  const againNs = nowNs + (outages?.resubmitNs ?? run.input.resubmitNs ?? 0);
  available.resent += there.length;
  if (role === "decode") loseDecodes(run, there, { index, nowNs, againNs });
  else {
    for (const request of there) {
      run.coming.delete(request);
      loseRequest(requests, request, run.firstTokenNs[request]! >= 0);
      run.spawned.push(againNs, request);
    }
  }
  if (role === "prefill") available.resent += loseKept(run, index, nowNs, againNs);
  resetPool(replica.pool, requests.parked);
  if (replica.adapters !== undefined) forgetAdapters(replica.adapters);
  if (replica.encoder !== undefined) forgetImages(replica.encoder);
  replica.runningCount = 0;
  replica.waiting.size = 0;
  replica.arrived.size = 0;
  replica.detached = 0;
  replica.backlogTokens = 0;
  replica.contextTokens = 0;
  clearStep(replica.executing);
  clearStep(replica.planned);
  lane.at = 0;
  lane.last = 0;
  lane.tierFreeNs = 0;
  clearWake(run.wakes, index);
  run.question.loads[index] = 0;
  run.adapters?.under[index]?.clear();
  regroup(run);
}

/** The scaling rules look at the load; those that are drained are given back once they are empty. */
function look(run: ServingRun, group: number, nowNs: number): void {
  const { available, input } = run;
  const { rules, replicas, decodes } = available.groups[group]!;
  const { state, orderedNs } = available;
  const { loads } = run.question;
  let requests = 0;
  for (const row of available.stranded) if (row >= input.requests.count === decodes) requests += 1;
  let serving = 0;
  let starting = 0;
  for (const i of replicas) {
    requests += loads[i]!;
    if (state[i] === STATE.serving) serving += 1;
    else if (state[i] === STATE.starting) starting += 1;
    else if (state[i] === STATE.draining && isEmpty(run, i)) giveBackReplica(run, i, nowNs);
  }
  let missing = replicasWanted({ serving, starting, requests }, rules) - serving - starting;
  for (let at = 0; at < replicas.length && missing > 0; at++) {
    const i = replicas[at]!;
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
  for (let at = replicas.length - 1; at >= 0 && missing < 0; at--) {
    const i = replicas[at]!;
    if (state[i] !== STATE.serving) continue;
    state[i] = STATE.draining;
    recordDecision(run.context.log, DECISION.replica, i, 0, nowNs, STATE.draining);
    if (isEmpty(run, i)) giveBackReplica(run, i, nowNs);
    missing += 1;
  }
  regroup(run);
  const hope = state.some((one) => one !== STATE.lost);
  if (hope && run.ended + run.rejected < input.requests.count) available.changes.push(nowNs + rules.everyNs, { kind: "look", group });
}

/** Nothing was sent there that has not ended, and no KV waits there for its move. */
function isEmpty({ question, replicas }: ServingRun, index: number): boolean {
  return question.loads[index] === 0 && replicas[index]!.detached === 0;
}

function giveBackReplica(run: ServingRun, index: number, nowNs: number): void {
  const { available } = run;
  available.state[index] = STATE.absent;
  available.replicaNs[index]! += nowNs - available.orderedNs[index]!;
  available.orderedNs[index] = -1;
  // A replica that is ordered again starts with an empty cache.
  const { pool, adapters, encoder } = run.replicas[index]!;
  resetPool(pool, run.context.requests.parked);
  if (encoder !== undefined) forgetImages(encoder);
  if (adapters !== undefined) forgetAdapters(adapters);
}

/** No replica will ever come for these. Whether others may go on for it: they have room, or waited for one of these to end. */
export function refuseStranded(run: ServingRun, nowNs: number): boolean {
  const { stranded } = run.available;
  const some = stranded.length > 0;
  const { log, requests } = run.context;
  const { count } = run.input.requests;
  for (const row of stranded.splice(0)) {
    const request = row < count ? row : row - count;
    run.rejected += 1;
    releaseClients(run, request, nowNs);
    recordDecision(log, DECISION.reject, 0, request, log.lastNs, 0);
    if (!run.kept.delete(request)) continue;
    const source = requests.at[request]!;
    letGo(run.replicas[source]!, requests, request);
    nudge(run, source, nowNs);
  }
  return some;
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
  run.decodes = run.allDecodes.filter(serving);
}
