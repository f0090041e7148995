import type { Pool } from "./deployment.ts";
import type { DeploymentFault } from "./deployment-fault.ts";

/** Settings that hold prompts back from decodes, and the engine that has them. */
export const HOLD_SETTINGS = {
  schedulerRecvInterval: "sglang",
  batchWaitTimeoutIters: "trtllm",
  batchWaitMaxTokensRatio: "trtllm",
  attentionDpBalance: "trtllm",
} as const;

export type HoldSetting = keyof typeof HOLD_SETTINGS;

/** Settings of the kind that a pool gives. */
export function givenHolds({ engine }: Pick<Pool, "engine">): HoldSetting[] {
  return (Object.keys(HOLD_SETTINGS) as HoldSetting[]).filter((name) => engine[name] !== undefined);
}

/**
 * The first setting that holds prompts back and means nothing in the pool; undefined where there is none.
 *
 * Source: NVIDIA/TensorRT-LLM 1.1 `_torch/pyexecutor/py_executor.py`: waiting ends once either limit is reached and both are 0 by default, so one alone
 * never waits; with data-parallel attention it is the balance that decides, and only there.
 */
export function heldPromptsFault(pool: Pick<Pool, "engine" | "role" | "parallel">): DeploymentFault | undefined {
  const { engine, role, parallel } = pool;
  for (const name of givenHolds(pool)) {
    const fault = (message: string): DeploymentFault => ({ path: ["engine", name], message });
    const owner = HOLD_SETTINGS[name];
    if (engine.name !== owner) return fault(`is a setting of ${owner}; the engine is ${engine.name}`);
    if (role === "decode") return fault("holds prompts back; not simulated in a decode pool, which gets KV in their stead");
    if (role === "prefill") return fault("holds prompts back from decodes, and a prefill pool has none");
    if (name === "schedulerRecvInterval") continue;
    if (name === "attentionDpBalance") {
      if (parallel.data === 1) return fault("waits for a prompt of each data-parallel rank, and parallel.data is 1");
      continue;
    }
    if (parallel.data > 1) return fault("is not looked at with data-parallel attention (parallel.data above 1): attentionDpBalance is");
    const other = name === "batchWaitTimeoutIters" ? "batchWaitMaxTokensRatio" : "batchWaitTimeoutIters";
    if (engine[other] === undefined) return fault(`never waits without ${other}: prompts go once either limit is reached`);
  }
  return undefined;
}
