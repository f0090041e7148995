import { itemAt } from "../../base/int-deque.ts";
import { gainedTokens } from "../../policy/serving/token-gain.ts";
import { DECISION, recordDecision } from "./decision-log.ts";
import { growBlocks, releaseBlocks } from "./hold-blocks.ts";
import type { RequestTable } from "./request-table.ts";
import { type StepContext, tokensWithRoom, withinText } from "./schedule-step.ts";
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
 * `count` iterations of a plain step at once: each running request gains its tokens. The same state as one by one.
 *
 * Complexity: linear in the running requests.
 */
export function passPlainSteps(replica: ServingReplica, requests: RequestTable, count: number): void {
  const { runningCount, gain, steps } = replica;
  const gained = gainedTokens(gain, steps, count);
  const ahead = tokensWithRoom(replica, count);
  room.blockTokens = replica.blockTokens;
  for (let i = 0; i < runningCount; i++) {
    const request = replica.running[i]!;
    const computed = requests.computed[request]!;
    room.tokens = withinText(requests, request, computed + ahead);
    growBlocks(replica.pool, requests, request, room);
    requests.computed[request] = computed + gained;
    requests.left[request]! -= gained;
  }
  replica.contextTokens += gained * runningCount;
  replica.leastLeft -= gained;
  replica.steps = steps + count;
  // What runs was formed before what is planned, so its contexts lag by the tokens of a step.
  const planned = replica.planned.active ? 1 : 0;
  shift(replica.executing, gainedTokens(gain, steps - 1 - planned, count), runningCount);
  shift(replica.planned, gainedTokens(gain, steps - 1, count), runningCount);
}

function shift(step: ServingStep, tokens: number, sequences: number): void {
  if (!step.active) return;
  step.shape.decodeContext += tokens * sequences;
  step.shape.decodeContextMax += tokens;
}
