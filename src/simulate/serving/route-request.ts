import { setWake } from "../../base/wake-heap.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { matchPrefix } from "../../engine/serving/hold-blocks.ts";
import { enqueue, wholeBlocks } from "../../engine/serving/schedule-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import { cutLeap, settleReplica } from "./advance-replica.ts";
import { releaseClients } from "./request-ended.ts";
import type { ServingRun } from "./serving-run.ts";

/**
 * A request arrives: routing chooses among the replicas that can ever serve it. `spawned`: something at this instant brought it, so the
 * replicas have acted already.
 *
 * Complexity: linear in the replicas.
 */
export function routeRequest(run: ServingRun, request: number, nowNs: number, spawned: boolean): void {
  const { question, routing, replicas, context } = run;
  const { requests, log } = context;
  run.queuedNs[request] = nowNs;
  let count = 0;
  for (let i = 0; i < replicas.length; i++) if (canServe(run, replicas[i]!, request)) question.candidates[count++] = i;
  question.candidateCount = count;
  if (count === 0) {
    run.rejected += 1;
    recordDecision(log, DECISION.reject, 0, request, nowNs, 0);
    releaseClients(run, request, nowNs);
    return;
  }
  question.promptTokens = requests.prompt[request]!;
  for (let i = 0; i < count; i++) settleReplica(run, question.candidates[i]!, nowNs, spawned);
  if (routing.needsMatch) for (let i = 0; i < count; i++) lookAt(run, question.candidates[i]!, request);
  const chosen = routing.choose(question);
  if (!routing.needsMatch) lookAt(run, chosen, request);
  send(run, request, chosen, nowNs);
}

function lookAt(run: ServingRun, index: number, request: number): void {
  const { pool, blockTokens, rules } = run.replicas[index]!;
  const { requests } = run.context;
  run.question.cachedTokens[index] = rules.prefixCaching ? matchPrefix(pool, requests, request, blockTokens).blocks * blockTokens : 0;
}

function send(run: ServingRun, request: number, index: number, nowNs: number): void {
  const replica = run.replicas[index]!;
  const cached = run.question.cachedTokens[index]!;
  recordDecision(run.context.log, DECISION.route, index, request, nowNs, cached);
  run.replicaOf[request] = index;
  const first = replica.waiting.size === 0;
  enqueue(replica, run.context.requests, request, cached);
  if (!replica.executing.active) setWake(run.wakes, index, nowNs);
  // Whoever stands behind another in the queue changes nothing until that one is admitted.
  else if (first) cutLeap(run, index);
}

function canServe({ context }: ServingRun, { pool, rules, blockTokens }: ServingReplica, request: number): boolean {
  const { requests } = context;
  if (!rules.chunkedPrefill && requests.prompt[request]! > rules.maxBatchedTokens) return false;
  return wholeBlocks(requests, request, blockTokens) <= pool.capacity;
}
