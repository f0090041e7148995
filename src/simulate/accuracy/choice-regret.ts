/** One configuration that could be chosen: measured and predicted. Times in ms, throughput in tokens/s a device. */
export interface Choice {
  readonly measuredTpotMs: number;
  readonly predictedTpotMs: number;
  readonly measuredThroughput: number;
  readonly predictedThroughput: number;
}

/** How good a choice by prediction is. */
export interface Regret {
  /** Throughput lost against the best measured choice within the limit; a choice that breaks the limit counts for what is left when slowed to it. Ratio. */
  readonly regret: number;
  /** The chosen one keeps the limit as measured. */
  readonly kept: boolean;
}

/**
 * What choosing the highest predicted throughput within a limit of TPOT costs. Undefined where fewer than two choices keep the limit as measured, or
 * none is predicted to (nothing would be chosen).
 */
export function choiceRegret(choices: readonly Choice[], limitMs: number): Regret | undefined {
  const open = choices.filter(({ measuredTpotMs }) => measuredTpotMs <= limitMs);
  const best = Math.max(...open.map(({ measuredThroughput }) => measuredThroughput));
  let chosen: Choice | undefined;
  for (const choice of choices) {
    if (choice.predictedTpotMs > limitMs) continue;
    if (chosen === undefined || choice.predictedThroughput > chosen.predictedThroughput) chosen = choice;
  }
  if (open.length < 2 || chosen === undefined) return undefined;
  const kept = chosen.measuredTpotMs <= limitMs;
  const worth = kept ? chosen.measuredThroughput : Math.min(best, chosen.measuredThroughput) * (limitMs / chosen.measuredTpotMs);
  return { regret: Math.max(0, 1 - worth / best), kept };
}
