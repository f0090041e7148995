import { exp } from "../../../base/math.ts";
import type { ReplicaModel } from "../slo-problem.ts";
import type { PromptRounds } from "./prompt-rounds.ts";
import type { PromptTimes } from "./prompt-service.ts";

/** A replica at a load, and the percentile asked for. */
export interface FirstTokenInput {
  readonly perNs: number;
  /** Sequences that decode on average, and an iteration of theirs without prompts. Units: ns for the latter. */
  readonly sequences: number;
  readonly decodeNs: number;
  readonly prompts: PromptTimes;
  readonly rounds: PromptRounds;
  /** Of a prompt of the percentile's length with nobody beside it but the decodes, and waits behind prompts at the percentile. Units: ns. */
  readonly slowNs: number;
  readonly waitNs: number;
  /** Ratio, such as 0.9, and its standard normal quantile. */
  readonly percentile: number;
  readonly deviations: number;
}

/**
 * Time to first token at the engine, at a percentile, of a prompt among decodes. Units: ns.
 *
 * Model: what is left of the iteration that runs, a whole one more where engines form iterations ahead, and its own, which it shares with what
 * arrived meanwhile. Iterations with prompts are longer, so more requests arrive in them; one who finds the replica empty waits for none. The percentile lies above the sum of
 * the means by the root of the sum of squares of what each part's own lies above its mean.
 */
export function firstTokenNs({ stepsAhead = 0, promptsApart = false }: ReplicaModel, input: FirstTokenInput): number {
  const { perNs, sequences, decodeNs, prompts, rounds, slowNs, waitNs, percentile, deviations } = input;
  const { meanNs, gathered, extraNs } = rounds;
  const busy = 1 - exp(-(sequences + perNs * prompts.service.meanNs));
  const addedNs = (gathered * extraNs) / prompts.chunks;
  // So many iterations with prompts come on one between two tokens.
  const often = addedNs === 0 ? 0 : (meanNs - decodeNs) / addedNs;
  const squares = promptsApart
    ? decodeNs * decodeNs + often * addedNs * addedNs
    : (1 - Math.min(1, often)) * decodeNs * decodeNs + often * (decodeNs + addedNs) * (decodeNs + addedNs);
  const restNs = meanNs === 0 ? 0 : (busy * squares) / (2 * meanNs);
  const aheadNs = stepsAhead * busy * (promptsApart ? meanNs / (1 + often) : meanNs);
  const arrivals = perNs * meanNs;
  const others = Math.min(prompts.together - 1, arrivals);
  const lumpsNs = deviations * Math.sqrt((1 + stepsAhead) * arrivals) * extraNs;
  const above = [(2 * percentile - 1) * restNs, slowNs - prompts.aloneNs, lumpsNs, waitNs];
  return restNs + aheadNs + prompts.aloneNs + others * extraNs + Math.sqrt(above.reduce((sum, ns) => sum + ns * ns, 0));
}
