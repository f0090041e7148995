import { earliestWake, popWake } from "../../base/wake-heap.ts";
import type { AdapterCounts } from "../../engine/serving/adapter-slots.ts";
import { decisionBytes, decisionHash } from "../../engine/serving/decision-log.ts";
import { advanceReplica } from "./advance-replica.ts";
import { changeAvailability, orderedReplicaNs, refuseStranded, strandedMayGo } from "./availability.ts";
import { checkServingInput } from "./check-serving-input.ts";
import { finishBatch } from "./encode-stage.ts";
import { finishAdapterLoad } from "./load-adapters.ts";
import { routeSpawned } from "./lose-split.ts";
import { advanceMoves, finishLoad, nextMoveNs } from "./move-kv.ts";
import { imageSums } from "./request-images.ts";
import { routeRequest } from "./route-request.ts";
import { type RunSampler, runSampler } from "./sample-run.ts";
import type { ServingInput, ServingOutcome } from "./serving-input.ts";
import { servingRun } from "./serving-run.ts";
import type { ServingRun } from "./serving-state.ts";

/**
 * Serves requests on replicas of engines in virtual time: arrivals, routing, iterations as each engine forms and its cost model prices them.
 *
 * At one instant replicas come and go first; what was known beforehand arrives first, then replicas act in the order of their indices, then KV and requests that this caused arrive.
 * Complexity: linear in requests, iterations that change a batch and routed replicas; a stretch of iterations that changes none costs one
 * price each.
 * Errors: `workload-invalid`, `input-invalid`.
 */
export function runServing(input: ServingInput): ServingOutcome {
  checkServingInput(input);
  const run = servingRun(input);
  const sampler = runSampler(run);
  drain(run, sampler);
  return outcomeOf(run, sampler);
}

/** Runs until nothing happens any more; `after` is called after each event and ends the run by `false`. */
export function drain(run: ServingRun, sampler: RunSampler | undefined, after?: () => boolean): void {
  const { requests } = run.input;
  let next = 0;
  let lastNs = 0;
  for (;;) {
    while (next < requests.count && (requests.after?.[next] ?? -1) >= 0) next += 1;
    const arrivalNs = next < requests.count ? requests.arrivalNs[next]! : Infinity;
    const wakeNs = earliestWake(run.wakes);
    const spawnedNs = run.spawned.peekTime() ?? Infinity;
    const moveNs = run.moves === undefined ? Infinity : nextMoveNs(run.moves);
    const changeNs = run.available.changes.peekTime() ?? Infinity;
    const loadNs = run.loads.peekTime() ?? Infinity;
    const adapterNs = run.adapterLoads.peekTime() ?? Infinity;
    const encodedNs = run.encoding?.ends.peekTime() ?? Infinity;
    const nowNs = Math.min(arrivalNs, wakeNs, spawnedNs, moveNs, loadNs, adapterNs, encodedNs);
    // When nothing is left to happen to a request, no change is of interest but to those that wait for a replica.
    if (nowNs === Infinity && (changeNs === Infinity || !strandedMayGo(run))) {
      if (refuseStranded(run, lastNs)) continue;
      return;
    }
    lastNs = Math.max(lastNs, Math.min(nowNs, changeNs));
    if (changeNs <= nowNs) {
      sampler?.until(changeNs);
      changeAvailability(run, changeNs);
      if (after?.() === false) return;
      continue;
    }
    sampler?.until(nowNs);
    if (arrivalNs <= nowNs) routeRequest(run, next++, nowNs, false);
    else if (wakeNs <= nowNs) advanceReplica(run, popWake(run.wakes), nowNs);
    else if (moveNs <= nowNs) advanceMoves(run, nowNs);
    else if (loadNs <= nowNs) finishLoad(run, nowNs);
    else if (adapterNs <= nowNs) finishAdapterLoad(run, nowNs);
    else if (encodedNs <= nowNs) finishBatch(run, nowNs, (request, atNs) => routeRequest(run, request, atNs, true));
    else routeSpawned(run, run.spawned.pop()!, nowNs);
    if (after?.() === false) return;
  }
}

/** What happened to adapters on all replicas; nothing where none serves them. */
function adapterSums(replicas: ServingRun["replicas"]): Pick<ServingOutcome, "adapters"> {
  const all = replicas.flatMap(({ adapters }) => adapters?.counts ?? []);
  if (all.length === 0) return {};
  const sum = (of: keyof AdapterCounts): number => all.reduce((total, counts) => total + counts[of], 0);
  const [admissions, hits, loads] = [sum("admissions"), sum("hits"), sum("loads")];
  return { adapters: { admissions, hits, loads, diskLoads: sum("diskLoads"), loadNs: sum("loadNs"), short: sum("short") } };
}

/** What came of a run that has ended. */
export function outcomeOf(run: ServingRun, sampler: RunSampler | undefined): ServingOutcome {
  const { context, replicas, lanes } = run;
  const { count } = run.input.requests;
  let preemptions = 0;
  let iterations = 0;
  for (const replica of replicas) {
    preemptions += replica.preemptions;
    iterations += replica.steps;
  }
  return {
    firstTokenNs: run.firstTokenNs,
    lastTokenNs: run.lastTokenNs,
    scheduledNs: context.requests.admittedNs.slice(0, count),
    queuedNs: run.queuedNs,
    cachedTokens: context.requests.cached.slice(0, count),
    replica: context.requests.at.slice(0, count),
    ...(run.split ? { decodeReplica: context.requests.at.slice(count) } : {}),
    preemptions,
    iterations,
    endedNs: run.endedNs,
    hash: decisionHash(context.log),
    busyNs: Float64Array.from(lanes, ({ busyNs }) => busyNs),
    decisions: decisionBytes(context.log),
    rejected: run.rejected,
    replicaNs: orderedReplicaNs(run),
    resent: run.available.resent,
    ...adapterSums(replicas),
    ...imageSums(run),
    ...(sampler === undefined ? {} : { samples: sampler.samples }),
  };
}
