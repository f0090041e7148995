import { assert } from "../base/assert.ts";
import { BLOCK_TOKENS, type BlockKey } from "../state/block.ts";
import type { FleetReplica, FleetRequest } from "./fleet-state.ts";
import type { ReplicaReport } from "./messages.ts";

/** Below this many predicted tokens a belief has not been tested. */
const TESTED_TOKENS = 4096;
/** What a belief has to come to of what it promised; below, routing does without it. */
const TRUST_SHARE = 2;
/** Where the record of predictions is halved, so that old ones fade. */
const FADING_TOKENS = 65_536;

/** Tokens at the start of a request's prompt that a replica is believed to have, or will have from requests sent to it. */
export function believedTokens(replica: FleetReplica, request: FleetRequest): number {
  const most = Math.min(request.keys.length, Math.floor((request.promptTokens + request.delivered - 1) / BLOCK_TOKENS));
  let blocks = 0;
  while (blocks < most && holds(replica, request.keys[blocks]!)) blocks++;
  return blocks * BLOCK_TOKENS;
}

function holds(replica: FleetReplica, key: BlockKey): boolean {
  return replica.believed.has(key) || replica.promised.has(key);
}

/** What is sent to a replica will be cached there: the next request of the same prefix should know before a report says so. */
export function promiseBlocks(replica: FleetReplica, request: FleetRequest): void {
  for (const key of request.keys) replica.promised.set(key, (replica.promised.get(key) ?? 0) + 1);
}

export function endPromise(replica: FleetReplica, request: FleetRequest): void {
  for (const key of request.keys) {
    const count = replica.promised.get(key);
    assert(count !== undefined, "a promise ends once", { request: request.request });
    if (count === 1) replica.promised.delete(key);
    else replica.promised.set(key, count - 1);
  }
}

export function takeReport(replica: FleetReplica, report: ReplicaReport): void {
  replica.reportedBacklogTokens = report.prefillBacklogTokens;
  for (const key of report.evicted) replica.believed.delete(key);
  for (const key of report.sealed) replica.believed.set(key, true);
}

/** Observed state may change a price only while it proves right. */
export function isTrusted({ prediction }: FleetReplica): boolean {
  return prediction.predictedTokens < TESTED_TOKENS || prediction.actualTokens * TRUST_SHARE >= prediction.predictedTokens;
}

/** Holds a prediction against what the replica found; finding more than predicted does not make up for finding less. */
export function judgePrediction(replica: FleetReplica, predictedTokens: number, actualTokens: number): void {
  const { prediction } = replica;
  prediction.predictedTokens += predictedTokens;
  prediction.actualTokens += Math.min(actualTokens, predictedTokens);
  if (prediction.predictedTokens < FADING_TOKENS) return;
  prediction.predictedTokens = Math.floor(prediction.predictedTokens / 2);
  prediction.actualTokens = Math.floor(prediction.actualTokens / 2);
}
