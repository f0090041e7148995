import { itemAt } from "../../base/int-deque.ts";
import { DECISION, recordDecision } from "./decision-log.ts";
import { growBlocks, releaseBlocks } from "./hold-blocks.ts";
import type { RequestTable } from "./request-table.ts";
import type { StepContext } from "./schedule-step.ts";
import type { ServingReplica, ServingStep } from "./serving-replica.ts";

const room = { tokens: 0, blockTokens: 0 };

/** An iteration is over: requests whose last token it brought leave and free their blocks. Complexity: linear in the running requests where one ends. */
export function completeStep(replica: ServingReplica, step: ServingStep, { requests, log }: StepContext, nowNs: number): void {
  const { endings } = step;
  if (endings.size === 0) return;
  let kept = 0;
  let ending = 0;
  for (let i = 0; i < replica.runningCount; i++) {
    const request = replica.running[i]!;
    // Endings are in the order of the running requests.
    if (ending < endings.size && itemAt(endings, ending) === request) ending += 1;
    else replica.running[kept++] = request;
  }
  replica.runningCount = kept;
  for (let i = 0; i < endings.size; i++) {
    const request = itemAt(endings, i);
    replica.contextTokens -= requests.computed[request]!;
    if (requests.keep[request] === 1) replica.detached += 1;
    else releaseBlocks(replica.pool, requests, request, { park: false, blockTokens: replica.blockTokens });
    recordDecision(log, DECISION.end, replica.index, request, nowNs, 0);
  }
}

/**
 * `count` iterations of a plain step at once: each running request gets so many tokens. The same state as one by one.
 *
 * Complexity: linear in the running requests.
 */
export function passPlainSteps(replica: ServingReplica, requests: RequestTable, count: number): void {
  room.blockTokens = replica.blockTokens;
  for (let i = 0; i < replica.runningCount; i++) {
    const request = replica.running[i]!;
    const tokens = requests.computed[request]! + count;
    room.tokens = tokens;
    growBlocks(replica.pool, requests, request, room);
    requests.computed[request] = tokens;
    requests.left[request]! -= count;
  }
  const { runningCount } = replica;
  replica.contextTokens += count * runningCount;
  replica.leastLeft -= count;
  replica.steps += count;
  shift(replica.executing, count, runningCount);
  shift(replica.planned, count, runningCount);
}

function shift(step: ServingStep, count: number, sequences: number): void {
  if (!step.active) return;
  step.shape.decodeContext += count * sequences;
  step.shape.decodeContextMax += count;
}
