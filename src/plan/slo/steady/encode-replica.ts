import { assert } from "../../../base/assert.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { KvLink, ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import { encodeNs, notFound } from "./encode-service.ts";
import { linkRate } from "./link-rate.ts";
import { waitQuantileNs } from "./queue.ts";
import { NO_STEADY_STATE, type SteadyInput, type SteadyState } from "./steady-load.ts";

/**
 * A replica that encodes images and does nothing else, in the steady state: its part of the time to first token.
 *
 * Model: a queue with one server, whose customers are the images of a request that fall on one of the replicas which the peak rate needs (they are dealt to all in
 * turn), served in batches as full as the engine's. At the percentile: the wait, the images of that request on the fullest of them, and the move of all of them to
 * where its prompt is computed, which begins when the last is encoded.
 */
export function encodeReplica(
  replica: ReplicaModel,
  design: ReplicaDesign,
  { rate, workload, target, link }: SteadyInput & { readonly link: KvLink },
): SteadyState {
  const { images, peakRate } = workload;
  assert(images !== undefined, "replicas encode where requests have images");
  const { cost, imageBytesPerToken = 0 } = replica;
  const batch = batchOf(design, images.one.tokens);
  const imageNs = encodeNs(cost, images, batch) / batch;
  const each = notFound(images, images.mean);
  const needed = Math.max(1, Math.ceil((peakRate / NS_PER_S) * each * imageNs));
  const group = Math.max(1, each / needed);
  const perNs = ((rate / NS_PER_S) * each) / group;
  const { patches, patchSquares } = images.one;
  const meanNs = group * imageNs;
  const service = { meanNs, meanSquareNs: meanNs * meanNs * (patchSquares / (patches * patches)) };
  const held = { sequences: 0, kvTokens: 0, prefillShare: perNs * meanNs };
  const bytesNs = (imageBytesPerToken * images.one.tokens * NS_PER_S) / linkRate(replica, link);
  if (held.prefillShare >= 1) return { ...NO_STEADY_STATE, ...held, broken: "encode" };
  if ((rate / NS_PER_S) * images.mean * bytesNs >= 1) return { ...NO_STEADY_STATE, ...held, broken: "transfer" };
  const most = images.quantile(target.percentile);
  const slowest = Math.ceil(notFound(images, most) / needed);
  const full = Math.floor(slowest / batch);
  const slowNs = full * imageNs * batch + encodeNs(cost, images, slowest - full * batch);
  const moveNs = most === 0 ? 0 : link.latencyNs + most * bytesNs;
  const ttftNs = waitQuantileNs(perNs, service, target.percentile) + slowNs + moveNs;
  return { ttftNs, tpotNs: 0, ...held, broken: ttftNs <= target.ttftNs ? undefined : "encode" };
}

/** Images that are encoded at once where enough wait. SGLang has no budget of tokens. */
function batchOf({ engine }: ReplicaDesign, tokens: number): number {
  const budget = engine.name === "sglang" ? Number.POSITIVE_INFINITY : engine.maxBatchedTokens;
  return Math.max(1, Math.min(engine.maxSequences, Math.floor(budget / tokens)));
}
