import { NS_PER_S } from "../../../base/units.ts";
import type { KvLink, ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import { busierSequences } from "./busier-sequences.ts";
import { fixedPoint } from "./fixed-point.ts";
import { linkRate } from "./link-rate.ts";
import { iterationNs, promptTimes, slowPromptNs } from "./prompt-service.ts";
import { waitQuantileNs } from "./queue.ts";
import { missedTarget, NO_STEADY_STATE, type SteadyInput, type SteadyState, tooSmall, withFront } from "./steady-load.ts";

const NOTHING_BESIDE = { decodes: 0, context: 0 };

/** A replica that does prompts alone, in the steady state: a queue with one server. Its first token is the request's. */
export function prefillReplica(replica: ReplicaModel, design: ReplicaDesign, input: SteadyInput): SteadyState {
  const { rate, workload, target, cachedShare } = input;
  const perNs = rate / NS_PER_S;
  const prompts = { workload, cachedShare, beside: NOTHING_BESIDE };
  const { service, limit } = promptTimes(replica, design, prompts);
  const prefillShare = perNs * service.meanNs;
  const held = { sequences: 0, kvTokens: workload.prompt.mean, prefillShare };
  if (tooSmall(replica, design, workload)) return { ...NO_STEADY_STATE, ...held, broken: "kv" };
  if (prefillShare >= 1) return { ...NO_STEADY_STATE, ...held, broken: limit };
  const slowNs = slowPromptNs(replica, design, { ...prompts, percentile: target.percentile });
  const engineNs = waitQuantileNs(perNs, service, target.percentile) + slowNs;
  // Those it has read decode elsewhere, as slowly as they may.
  const decoding = perNs * workload.output.mean * target.tpotNs;
  const ttftNs = withFront(replica, engineNs, { perNs, decoding });
  return { ttftNs, tpotNs: 0, ...held, broken: missedTarget(ttftNs, 0, target) };
}

/**
 * A replica that decodes what others have read, in the steady state.
 *
 * Model: n = rate x outputs x T(n), and at the percentile as many more sequences as there are at times. The time in which KV comes over the link delays the second token; spread over all of them it is part of the time
 * per token.
 */
export function decodeReplica(
  replica: ReplicaModel,
  design: ReplicaDesign,
  { rate, workload, target, link }: SteadyInput & { readonly link: KvLink },
): SteadyState {
  const perNs = rate / NS_PER_S;
  const { prompt, output, longest } = workload;
  if (tooSmall(replica, design, workload)) {
    return { ...NO_STEADY_STATE, sequences: 0, kvTokens: longest, prefillShare: 0, broken: "kv" };
  }
  const contextEach = prompt.mean + output.mean / 2;
  const limit = design.engine.maxSequences * design.parallel.data;
  const most = Math.min(limit, Math.floor(replica.kvTokens / contextEach));
  const transferNs = link.latencyNs + (prompt.mean * replica.kvBytesPerToken * NS_PER_S) / linkRate(replica, link);
  const decodeNs = (n: number): number => iterationNs(replica.cost, { decodes: n, context: n * contextEach }, 0, 0);
  const sequences = fixedPoint((n) => perNs * output.mean * decodeNs(n), most);
  if (sequences === undefined) {
    const broken = most < limit ? "kv" : "sequences";
    return { ...NO_STEADY_STATE, sequences: most, kvTokens: most * contextEach, prefillShare: 0, broken };
  }
  const busyNs = decodeNs(Math.min(most, busierSequences(sequences, target.percentile)));
  const tpotNs = busyNs + transferNs / Math.max(1, output.mean - 1);
  return { ttftNs: 0, tpotNs, sequences, kvTokens: sequences * contextEach, prefillShare: 0, broken: missedTarget(0, tpotNs, target) };
}
