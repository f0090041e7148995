import type { PromptGate } from "./scheduling-rules.ts";

/** Iterations of a gate that waits for a prompt of each rank: for that at most, and then for more prompts. */
export interface BalanceWaits {
  readonly steps: number;
  readonly batching: number;
}

/** Prompts dealt to ranks at random until each has one: ranks times this sum of 1 / 1, 1 / 2, ... */
export function balanceGate(ranks: number, { steps, batching }: BalanceWaits): PromptGate {
  let dealt = 0;
  for (let rank = 1; rank <= ranks; rank++) dealt += ranks / rank;
  return { kind: "ranks", ranks, waiting: Math.ceil(dealt), steps, batching };
}
