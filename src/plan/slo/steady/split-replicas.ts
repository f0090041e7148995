import { NS_PER_S } from "../../../base/units.ts";
import type { ReplicaDesign, ReplicaModel, TransferLink } from "../slo-problem.ts";
import { iterationNs, promptTimes } from "./prompt-service.ts";
import { waitQuantileNs } from "./queue.ts";
import { missedTarget, NO_STEADY_STATE, type SteadyInput, type SteadyState, tooSmall } from "./steady-load.ts";

const STEPS_MAX = 40;
const SETTLED = 1e-3;
const NOTHING_BESIDE = { decodes: 0, context: 0 };

/** A replica that does prompts alone, in the steady state: a queue with one server. Its first token is the request's. */
export function prefillReplica(
  replica: ReplicaModel,
  design: ReplicaDesign,
  { rate, workload, target, cachedShare }: SteadyInput,
): SteadyState {
  const perNs = rate / NS_PER_S;
  const prompts = promptTimes(replica, design, { workload, cachedShare, percentile: target.percentile, beside: NOTHING_BESIDE });
  const prefillShare = perNs * prompts.service.meanNs;
  const kvTokens = workload.prompt.mean;
  if (tooSmall(replica, design, workload)) return { ...NO_STEADY_STATE, sequences: 0, kvTokens, prefillShare, broken: "kv" };
  if (prefillShare >= 1) return { ...NO_STEADY_STATE, sequences: 0, kvTokens, prefillShare, broken: "prefill" };
  const ttftNs = waitQuantileNs(perNs, prompts.service, target.percentile) + prompts.slowNs;
  return { ttftNs, tpotNs: 0, sequences: 0, kvTokens, prefillShare, broken: missedTarget(ttftNs, 0, target) };
}

/**
 * A replica that decodes what others have read, in the steady state.
 *
 * Model: n = rate x outputs x T(n). The time in which KV comes over the link delays the second token; spread over all of them it is part of the time
 * per token.
 */
export function decodeReplica(
  replica: ReplicaModel,
  design: ReplicaDesign,
  { rate, workload, target, link }: SteadyInput & { readonly link: TransferLink },
): SteadyState {
  const perNs = rate / NS_PER_S;
  const { prompt, output } = workload;
  const contextEach = prompt.mean + output.mean / 2;
  const limit = design.engine.maxSequences * design.parallel.data;
  const most = Math.min(limit, Math.floor(replica.kvTokens / contextEach));
  const transferNs = link.latencyNs + (prompt.mean * replica.kvBytesPerToken * NS_PER_S) / link.bandwidthBytesPerSecond;
  if (tooSmall(replica, design, workload))
    return { ...NO_STEADY_STATE, sequences: 0, kvTokens: workload.longest, prefillShare: 0, broken: "kv" };
  let sequences = 1;
  for (let step = 0; step < STEPS_MAX; step++) {
    const decodeNs = iterationNs(replica.cost, { decodes: sequences, context: sequences * contextEach }, 0, 0);
    const wanted = perNs * output.mean * decodeNs;
    const held = { sequences: wanted, kvTokens: wanted * contextEach, prefillShare: 0 };
    if (wanted > most) return { ...NO_STEADY_STATE, ...held, broken: replica.kvTokens / contextEach < limit ? "kv" : "sequences" };
    const settled = Math.abs(wanted - sequences) <= SETTLED * Math.max(1, wanted);
    sequences = settled ? wanted : (sequences + wanted) / 2;
    if (!settled) continue;
    const tpotNs = decodeNs + transferNs / Math.max(1, output.mean - 1);
    return { ttftNs: 0, tpotNs, ...held, broken: missedTarget(0, tpotNs, target) };
  }
  return { ...NO_STEADY_STATE, sequences, kvTokens: sequences * contextEach, prefillShare: 0, broken: "decode" };
}
