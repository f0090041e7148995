import { normalQuantile } from "../../../base/statistics.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import { busierSequences } from "./busier-sequences.ts";
import { firstTokenNs } from "./first-token.ts";
import { fixedPoint } from "./fixed-point.ts";
import { heldBack } from "./held-back.ts";
import { promptRounds } from "./prompt-rounds.ts";
import { iterationNs, promptTimes, slowPromptNs } from "./prompt-service.ts";
import { waitQuantileNs } from "./queue.ts";
import { missedTarget, NO_STEADY_STATE, type SteadyInput, type SteadyState, tooSmall, withFront } from "./steady-load.ts";

/**
 * A replica that does prompts and decodes, in the steady state.
 *
 * Model: with n sequences decoding, an iteration takes T(n); prompts make some iterations longer, so that the mean iteration is
 * T(n) / (1 - rate x extra), where `extra` is what a prompt adds; by Little's law n = rate x outputs x mean iteration. The fixed point gives n. Time per
 * token at the percentile: the mean iteration, how many more sequences there are at times, and the prompts that a request happens to meet. Time to first token: `firstTokenNs`, the wait
 * for what holds prompts back, and the front end where it is taken at the client.
 */
export function wholeReplica(replica: ReplicaModel, design: ReplicaDesign, input: SteadyInput): SteadyState {
  const { rate, workload, target, cachedShare } = input;
  const { prompt, output, longest } = workload;
  if (tooSmall(replica, design, workload)) {
    return { ...NO_STEADY_STATE, sequences: 0, kvTokens: longest, prefillShare: 0, broken: "kv" };
  }
  const perNs = rate / NS_PER_S;
  const contextEach = prompt.mean + output.mean / 2;
  const limit = design.engine.maxSequences * design.parallel.data;
  const most = Math.min(limit, Math.floor(replica.kvTokens / contextEach));
  const at = (sequences: number) => {
    const beside = { decodes: sequences, context: sequences * contextEach };
    const decodeNs = iterationNs(replica.cost, beside, 0, 0);
    const held = heldBack(design, { perNs, promptTokens: prompt.mean, decodes: sequences, iterationNs: decodeNs });
    const prompts = promptTimes(replica, design, { workload, cachedShare, beside });
    const rounds = promptRounds(prompts, { perNs, decodeNs, held: held.prompts });
    const prefillShare = perNs * rounds.extraNs;
    const meanNs = perNs * prompts.service.meanNs >= 1 ? Number.POSITIVE_INFINITY : rounds.meanNs;
    return { beside, decodeNs, prompts, rounds, prefillShare, meanNs, held };
  };
  const sequences = fixedPoint((n) => perNs * output.mean * at(n).meanNs, most);
  if (sequences === undefined) {
    const { prefillShare, meanNs, prompts } = at(most);
    const broken = meanNs === Number.POSITIVE_INFINITY ? prompts.limit : most < limit ? "kv" : "sequences";
    return { ...NO_STEADY_STATE, sequences: most, kvTokens: most * contextEach, prefillShare, broken };
  }
  const { beside, decodeNs, prompts, rounds, prefillShare, meanNs, held } = at(sequences);
  const slowNs = slowPromptNs(replica, design, { workload, cachedShare, beside, percentile: target.percentile });
  const { percentile } = target;
  const deviations = Math.max(0, normalQuantile(percentile));
  const waitNs = waitQuantileNs(perNs, prompts.service, percentile);
  const freeNs = firstTokenNs(replica, { perNs, sequences, decodeNs, prompts, rounds, slowNs, waitNs, percentile, deviations });
  // Where in a round of what holds prompts back a request arrives is even.
  const ttftNs = withFront(replica, freeNs + percentile * held.roundNs, { perNs, decoding: sequences });
  const busier = at(Math.min(most, busierSequences(sequences, percentile))).meanNs - meanNs;
  const lumps = deviations * promptLumpsNs(perNs, rounds, { meanNs, tokens: output.quantile(SHORT_ANSWERS) });
  const tpotNs = meanNs + Math.sqrt(busier * busier + lumps * lumps);
  return { ttftNs, tpotNs, sequences, kvTokens: sequences * contextEach, prefillShare, broken: missedTarget(ttftNs, tpotNs, target) };
}

/** Answers of this quantile's length stand for those whose time per token varies most: they meet few prompts, or one more. */
const SHORT_ANSWERS = 0.25;

/** Prompts come as they like: over a request's life their number has the variance of its mean, and each adds `extraNs` to a token's time. */
function promptLumpsNs(
  perNs: number,
  { extraNs }: { readonly extraNs: number },
  { meanNs, tokens }: { readonly meanNs: number; readonly tokens: number },
): number {
  const arrivals = perNs * meanNs * tokens;
  return tokens < 1 ? 0 : (Math.sqrt(arrivals) * extraNs) / tokens;
}
