import { assert } from "../../base/assert.ts";
import { setWake } from "../../base/wake-heap.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { imagesFit } from "../../engine/serving/encoder-cache.ts";
import { matchPrefix } from "../../engine/serving/hold-blocks.ts";
import { knownTokens } from "../../engine/serving/request-table.ts";
import { enqueue, wholeBlocks } from "../../engine/serving/schedule-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import { countAdapter, viewOf } from "./adapter-view.ts";
import { dealImages, isEncodedFirst } from "./encode-stage.ts";
import { moveImages, type Sent } from "./move-images.ts";
import { releaseClients } from "./release-clients.ts";
import type { ServingRun } from "./serving-state.ts";
import { cutLeap, settleReplica } from "./settle-replica.ts";

/**
 * A request arrives: routing chooses among the replicas that can ever serve it. `afterWakes`: something at this instant brought it, so the
 * replicas have acted already.
 *
 * Complexity: linear in the replicas, a few instructions each where they hold nothing of its prompt.
 */
export function routeRequest(run: ServingRun, request: number, nowNs: number, afterWakes: boolean): void {
  const { question, routing, context } = run;
  const { requests, log } = context;
  if (run.queuedNs[request]! < 0) run.queuedNs[request] = nowNs;
  if (isEncodedFirst(run, request)) {
    dealImages(run, request, nowNs, (ready, atNs) => routeRequest(run, ready, atNs, afterWakes));
    return;
  }
  run.nowNs = nowNs;
  run.acted = afterWakes ? run.replicas.length : 0;
  const goesOn = run.split && requests.keep[request] === 1;
  const goes = !goesOn || findCandidates(run, request + run.input.requests.count, run.allDecodes);
  if (!goes || !findCandidates(run, request, run.prompts)) {
    if (goes && run.prompts.length < run.allPrompts.length && findCandidates(run, request, run.allPrompts)) {
      run.available.stranded.push(request);
      return;
    }
    run.rejected += 1;
    recordDecision(log, DECISION.reject, 0, request, nowNs, 0);
    releaseClients(run, request, nowNs);
    return;
  }
  question.promptTokens = requests.prompt[request]!;
  question.adapter = viewOf(run.adapters, requests, request);
  if (!routing.needsMatch) {
    const chosen = routing.choose(question);
    settleReplica(run, chosen, nowNs, afterWakes);
    send(run, request, chosen, nowNs, cachedAt(run, chosen, request));
    return;
  }
  const first = readCaches(run, request);
  const chosen = routing.choose(question);
  const cached = question.cachedTokens[chosen]!;
  for (let node = first; node >= 0; node = run.holders.next[node]!) question.cachedTokens[run.holders.replica[node]!] = 0;
  settleReplica(run, chosen, nowNs, afterWakes);
  send(run, request, chosen, nowNs, cached);
}

/**
 * Fills in how many tokens of whole keys each replica has from the start of a prompt. Returns the first node of those that have any.
 *
 * Why without settling: no leap takes a block of a whole key.
 */
function readCaches({ holders, context, question, keyTokens }: ServingRun, request: number): number {
  const { keyStart, keys } = context.requests;
  const { cachedTokens } = question;
  const first = keyStart[request]!;
  const last = keyStart[request + 1]!;
  for (let at = first; at < last; at++) {
    const before = (at - first) * keyTokens;
    let longer = false;
    for (let node = holders.head[keys[at]!]!; node >= 0; node = holders.next[node]!) {
      const replica = holders.replica[node]!;
      if (cachedTokens[replica] !== before) continue;
      cachedTokens[replica] = before + keyTokens;
      longer = true;
    }
    if (!longer) break;
  }
  return first === last ? -1 : holders.head[keys[first]!]!;
}

function cachedAt(run: ServingRun, index: number, request: number): number {
  const { pool, blockTokens, rules } = run.replicas[index]!;
  return rules.prefixCaching ? matchPrefix(pool, run.context.requests, request, blockTokens).blocks * blockTokens : 0;
}

/**
 * A prompt is computed and its first token is out: routing chooses who decodes the rest. No prompt is left to compute there, so that the
 * priced choice weighs decodes alone.
 */
export function handOver(run: ServingRun, row: number, nowNs: number, acting: number): void {
  const { question, routing, context } = run;
  run.nowNs = nowNs;
  // Replicas act in the order of their indices: those behind the one whose prompt it was see this request at once.
  run.acted = acting;
  run.kept.add(row - run.input.requests.count);
  if (!findCandidates(run, row, run.decodes)) {
    assert(run.decodes.length < run.allDecodes.length, "a request was taken that no decode replica can hold", row);
    run.available.stranded.push(row);
    return;
  }
  const known = knownTokens(context.requests, row);
  question.promptTokens = known;
  question.adapter = viewOf(run.adapters, context.requests, row);
  for (let i = 0; i < question.candidateCount; i++) question.cachedTokens[question.candidates[i]!] = known - 1;
  const turn = question.turn;
  question.turn = run.decodeTurn;
  const chosen = routing.choose(question);
  run.decodeTurn = question.turn;
  question.turn = turn;
  for (let i = 0; i < question.candidateCount; i++) question.cachedTokens[question.candidates[i]!] = 0;
  settleReplica(run, chosen, nowNs, chosen < acting);
  send(run, row, chosen, nowNs, 0);
}

/** Whether there is a candidate in `group`; fills in those that can ever serve the row. Complexity: of the kinds while all can. */
function findCandidates(run: ServingRun, row: number, group: Int32Array): boolean {
  const { question, replicas, kinds, kindCount, canServeKind, ofKind } = run;
  let all = 1;
  for (let kind = 0; kind < kindCount; kind++) {
    // Replicas that encode are in no group.
    const can = run.input.replicas[ofKind[kind]!]!.role === "encode" || canServe(run, replicas[ofKind[kind]!]!, row) ? 1 : 0;
    canServeKind[kind] = can;
    all &= can;
  }
  if (all === 1 && run.wholeGroup === group) return question.candidateCount > 0;
  run.wholeGroup = all === 1 ? group : undefined;
  let count = 0;
  for (let i = 0; i < group.length; i++) if (canServeKind[kinds[group[i]!]!] === 1) question.candidates[count++] = group[i]!;
  question.candidateCount = count;
  return count > 0;
}

function canServe({ context }: ServingRun, { pool, rules, blockTokens, encoder }: ServingReplica, request: number): boolean {
  const { requests } = context;
  if (!rules.chunkedPrefill) {
    if (requests.prompt[request]! > rules.maxBatchedTokens) return false;
    if (encoder !== undefined && !imagesFit(encoder, requests, request)) return false;
  }
  return wholeBlocks(requests, request, blockTokens) <= pool.capacity;
}

function send(run: ServingRun, request: number, index: number, nowNs: number, cachedTokens: number): void {
  recordDecision(run.context.log, DECISION.route, index, request, nowNs, cachedTokens);
  run.question.loads[index]! += 1;
  if (run.encoding !== undefined && run.encoding.left[request] === 0) moveImages(run, request, { index, nowNs, cachedTokens });
  else joinQueue(run, request, { index, nowNs, cachedTokens });
}

/** A request is at its replica, with all it needs to be computed. */
export function joinQueue(run: ServingRun, request: number, { index, nowNs, cachedTokens }: Sent): void {
  const replica = run.replicas[index]!;
  const first = replica.waiting.size === 0 || replica.rules.gate !== undefined || replica.adapters !== undefined;
  enqueue(replica, run.context.requests, request, cachedTokens);
  countAdapter(run.adapters, run.context.requests, request, 1);
  if (!replica.executing.active) setWake(run.wakes, index, nowNs);
  // Whoever stands behind another in the queue changes nothing until that one is admitted, unless a gate counts those that wait or adapters let it pass.
  else if (first) cutLeap(run, index);
}
