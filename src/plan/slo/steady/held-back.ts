import type { ReplicaDesign } from "../slo-problem.ts";

/** What arrives at a replica while it decodes. */
export interface HeldInput {
  readonly perNs: number;
  readonly promptTokens: number;
  readonly decodes: number;
  /** Of an iteration without prompts. Units: ns. */
  readonly iterationNs: number;
}

/** How long prompts wait because settings hold them back from decodes, and how many of them then come together. */
export interface HeldBack {
  /** From the first one that waits until they go. Units: ns. */
  readonly roundNs: number;
  readonly prompts: number;
}

const NOT_HELD: HeldBack = { roundNs: 0, prompts: 1 };

/**
 * Prompts held back in the steady state.
 *
 * Model: rounds of the setting's iterations, or until as many prompts are there as end a round sooner (`gather`: tokens; `ranks`: one of each, dealt at
 * random, and `batchingWaitIters` more); what arrives in a round comes together. Nothing is held where nothing decodes.
 */
export function heldBack({ engine, parallel }: ReplicaDesign, { perNs, promptTokens, decodes, iterationNs }: HeldInput): HeldBack {
  if (decodes < 1) return NOT_HELD;
  const { schedulerRecvInterval = 1, batchWaitTimeoutIters, batchWaitMaxTokensRatio, attentionDpBalance } = engine;
  const round = (roundNs: number): HeldBack => ({ roundNs, prompts: Math.max(1, perNs * roundNs) });
  if (schedulerRecvInterval > 1) return round(schedulerRecvInterval * iterationNs);
  if (attentionDpBalance !== undefined) {
    const { timeoutIters, batchingWaitIters } = attentionDpBalance;
    let dealt = 0;
    for (let rank = 1; rank <= parallel.data; rank++) dealt += parallel.data / rank;
    return round(Math.min(timeoutIters * iterationNs, dealt / perNs) + batchingWaitIters * iterationNs);
  }
  if (batchWaitTimeoutIters === undefined || batchWaitMaxTokensRatio === undefined) return NOT_HELD;
  const missing = Math.max(0, batchWaitMaxTokensRatio * engine.maxBatchedTokens - decodes);
  return round(Math.min(batchWaitTimeoutIters * iterationNs, missing / (perNs * Math.max(1, promptTokens))));
}
