import { NS_PER_S } from "../../../base/units.ts";
import type { ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import { iterationNs, promptTimes } from "./prompt-service.ts";
import { waitQuantileNs } from "./queue.ts";
import { missedTarget, NO_STEADY_STATE, type SteadyInput, type SteadyState, tooSmall } from "./steady-load.ts";

/** Steps of the fixed point; it settles to a part in a thousand far earlier where it does at all. */
const STEPS_MAX = 40;
const SETTLED = 1e-3;

/**
 * A replica that does prompts and decodes, in the steady state.
 *
 * Model: with n sequences decoding, an iteration takes T(n); prompts make some iterations longer, so that the mean iteration is
 * T(n) / (1 - rate x extra), where `extra` is what a prompt adds; by Little's law n = rate x outputs x mean iteration. The fixed point gives n. Time per
 * token at the percentile: the mean iteration plus the spread that few prompts in a request's life make. Time to first token: what is left of the current
 * iteration, the wait for prompts before, and its own chunks.
 */
export function wholeReplica(replica: ReplicaModel, design: ReplicaDesign, input: SteadyInput): SteadyState {
  const { rate, workload, target, cachedShare } = input;
  const { prompt, output } = workload;
  const perNs = rate / NS_PER_S;
  const contextEach = prompt.mean + output.mean / 2;
  const most = Math.min(design.engine.maxSequences * design.parallel.data, Math.floor(replica.kvTokens / contextEach));
  if (tooSmall(replica, design, workload))
    return { ...NO_STEADY_STATE, sequences: 0, kvTokens: workload.longest, prefillShare: 0, broken: "kv" };
  let sequences = 1;
  let meanNs = 0;
  for (let step = 0; step < STEPS_MAX; step++) {
    const beside = { decodes: sequences, context: sequences * contextEach };
    const prompts = promptTimes(replica, design, { workload, cachedShare, percentile: target.percentile, beside });
    const prefillShare = perNs * prompts.extraNs;
    const decodeNs = iterationNs(replica.cost, beside, 0, 0);
    const broken = prefillShare >= 1 || perNs * prompts.service.meanNs >= 1;
    if (broken) return { ...NO_STEADY_STATE, sequences, kvTokens: sequences * contextEach, prefillShare, broken: "prefill" };
    meanNs = decodeNs / (1 - prefillShare);
    const wanted = perNs * output.mean * meanNs;
    if (wanted > most) {
      const kv = replica.kvTokens / contextEach < design.engine.maxSequences * design.parallel.data;
      return { ...NO_STEADY_STATE, sequences: wanted, kvTokens: wanted * contextEach, prefillShare, broken: kv ? "kv" : "sequences" };
    }
    const settled = Math.abs(wanted - sequences) <= SETTLED * Math.max(1, wanted);
    sequences = settled ? wanted : (sequences + wanted) / 2;
    if (!settled) continue;
    const waitNs = waitQuantileNs(perNs, prompts.service, target.percentile);
    const ttftNs = meanNs / 2 + waitNs + prompts.slowNs;
    const tpotNs = meanNs + spreadNs(perNs, prompts, { meanNs, tokens: output.mean });
    return {
      ttftNs,
      tpotNs,
      sequences,
      kvTokens: sequences * contextEach,
      prefillShare,
      broken: missedTarget(ttftNs, tpotNs, target),
    };
  }
  return { ...NO_STEADY_STATE, sequences, kvTokens: sequences * contextEach, prefillShare: 0, broken: "decode" };
}

/** How many standard deviations the 90th percentile of the time per token lies above its mean. */
const PERCENTILE_DEVIATIONS = 1.28;

/** Prompts come as they like: over a request's life their number has the variance of its mean, and each adds `extraNs` to a token's time. */
function spreadNs(
  perNs: number,
  { extraNs }: { readonly extraNs: number },
  { meanNs, tokens }: { readonly meanNs: number; readonly tokens: number },
): number {
  const lifeNs = meanNs * tokens;
  const arrivals = perNs * lifeNs;
  return tokens < 1 ? 0 : (PERCENTILE_DEVIATIONS * Math.sqrt(arrivals) * extraNs) / tokens;
}
