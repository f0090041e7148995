import type { Pool } from "../../plan/deployment/deployment.ts";
import { balanceGate } from "../../policy/serving/balance-gate.ts";
import type { PromptGate } from "../../policy/serving/scheduling-rules.ts";

/** How a pool's replicas hold prompts back from decodes; undefined where they do not. What means nothing in a pool was refused with its file. */
export function poolGate({ engine, parallel }: Pool): PromptGate | undefined {
  const { schedulerRecvInterval = 1, batchWaitTimeoutIters, batchWaitMaxTokensRatio, attentionDpBalance } = engine;
  if (schedulerRecvInterval > 1) return { kind: "poll", steps: schedulerRecvInterval };
  if (attentionDpBalance !== undefined) {
    const { timeoutIters, batchingWaitIters } = attentionDpBalance;
    return balanceGate(parallel.data, { steps: timeoutIters, batching: batchingWaitIters });
  }
  if (batchWaitTimeoutIters === undefined || batchWaitMaxTokensRatio === undefined) return undefined;
  return { kind: "gather", tokens: batchWaitMaxTokensRatio * engine.maxBatchedTokens, steps: batchWaitTimeoutIters };
}
