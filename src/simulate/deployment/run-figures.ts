import { type Summary, summarise } from "../../base/statistics.ts";
import { type Nanoseconds, NS_PER_S, type Ratio } from "../../base/units.ts";
import { devicesOf } from "../../cost/iteration/cut.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { RequestColumns, ServingOutcome } from "../serving/serving-input.ts";
import type { DeploymentRun } from "./deployment-run.ts";
import type { IterationWatch } from "./iteration-watch.ts";
import type { Objective } from "./objective.ts";
import { queueGrowth } from "./queue-growth.ts";

/** Figures of one run of a deployment. Times in ns; NaN where there is nothing to take a figure of. */
export interface RunFigures {
  readonly requests: { readonly finished: number; readonly rejected: number; readonly unfinished: number };
  /**
   * First token - arrival; (last token - first) / (tokens - 1) of answers of 2 and more; last token - arrival; admission - arrival. The first and the
   * third hold the time of `front` besides, where that is there.
   */
  readonly ttft: Summary;
  readonly tpot: Summary;
  readonly e2e: Summary;
  /** Gaps between consecutive tokens, over all tokens. */
  readonly itl: Summary;
  readonly waiting: Summary;
  /** What clients waited for the engine's front end; absent: times are those of the engine. */
  readonly front?: Summary;
  readonly requestsPerSecond: number;
  readonly outputTokensPerSecond: number;
  /** Prompts and answers together. */
  readonly tokensPerSecond: number;
  /** Requests that kept the objective: share of all that arrived, and of them a second. */
  readonly goodShare: Ratio;
  readonly goodPerSecond: number;
  /** US dollars, of all devices while their replicas are ordered, from the first arrival to the last token. */
  readonly dollarsPerMillionTokens: number;
  readonly dollarsPerMillionOutputTokens: number;
  /** Of devices while they compute. Units: J a token of output. */
  readonly joulesPerOutputToken: number;
  /** Relative half-width (90 %) of the power behind them. */
  readonly joulesSpread: Ratio;
  /** By pool, replicas that were ordered, mean over the time: those that start or are repaired included. */
  readonly replicas: readonly number[];
  /** Requests that were sent again because their replica was lost. */
  readonly resent: number;
  /** By pool, share of the time for which its replicas were ordered. */
  readonly busy: readonly Ratio[];
  readonly kvMean: Ratio;
  readonly kvPeak: Ratio;
  readonly preemptions: number;
  /** Share of prompt tokens that were found cached. */
  readonly cachedShare: Ratio;
  /** Where requests have adapters. */
  readonly adapters?: AdapterFigures;
  /** Where requests have images: those that were encoded, tokens of each in the mean, and the share that was found encoded already. */
  readonly images?: ImageFigures;
  /** Whether the queue was still growing when the last request arrived. */
  readonly growing: boolean;
  readonly lastingNs: Nanoseconds;
}

export interface ImageFigures {
  readonly encoded: number;
  readonly tokensEach: number;
  readonly foundShare: Ratio;
}

/** What adapters (LoRA) did in a run. */
export interface AdapterFigures {
  /** Of admissions of requests with an adapter, those that found it in a slot. */
  readonly hitShare: Ratio;
  /** Of all requests, those that were passed over for want of a slot. */
  readonly shortShare: Ratio;
  readonly loads: number;
  /** Of those, the ones that came from disk. */
  readonly diskLoads: number;
  /** Share of the replicas' busy time in which they waited for loads. */
  readonly loadShare: Ratio;
}

/** Times of single requests, for charts; -1 where it did not happen. */
export interface RequestTimes {
  readonly ttftNs: Float64Array;
  readonly tpotNs: Float64Array;
  readonly e2eNs: Float64Array;
}

/**
 * Times by request, with what each waited for a front end where that is given, and a factor on those the engine takes to first tokens. TPOT is -1 for
 * answers of one token.
 */
export function requestTimes(
  { count, outputTokens }: RequestColumns,
  outcome: Pick<ServingOutcome, "queuedNs" | "firstTokenNs" | "lastTokenNs"> & { readonly frontNs?: Float64Array | undefined },
  firstToken: Ratio = 1,
): RequestTimes {
  const times = {
    ttftNs: new Float64Array(count).fill(-1),
    tpotNs: new Float64Array(count).fill(-1),
    e2eNs: new Float64Array(count).fill(-1),
  };
  for (let i = 0; i < count; i++) {
    const queued = outcome.queuedNs[i]!;
    const first = outcome.firstTokenNs[i]!;
    const last = outcome.lastTokenNs[i]!;
    const ttft = (first - queued) * firstToken + (outcome.frontNs?.[i] ?? 0);
    if (first >= 0) times.ttftNs[i] = ttft;
    if (last < 0) continue;
    times.e2eNs[i] = ttft + (last - first);
    if (outputTokens[i]! > 1) times.tpotNs[i] = (last - first) / (outputTokens[i]! - 1);
  }
  return times;
}

/** From first to last tokens, of all requests together. Units: ns. */
function livesNs({ firstTokenNs, lastTokenNs }: ServingOutcome): number {
  return lastTokenNs.reduce((sum, last, i) => (last < 0 ? sum : sum + last - firstTokenNs[i]!), 0);
}

/** A run with what was gathered of its iterations. */
export interface WatchedOutcome {
  readonly outcome: ServingOutcome;
  readonly watch: IterationWatch;
  /** What each request waited for a front end; absent: times are those of the engine. Units: ns. */
  readonly frontNs?: Float64Array;
  /** Factor on the engine's times to first tokens; absent: 1. */
  readonly firstToken?: Ratio;
}

/** Figures of a run. */
export function runFigures(
  run: DeploymentRun,
  { outcome, watch, frontNs, firstToken }: WatchedOutcome,
  objective: Objective | undefined,
): RunFigures {
  const { requests } = run;
  const times = requestTimes(requests, { ...outcome, frontNs }, firstToken);
  const { finished, inputTokens, outputTokens, cachedTokens } = totals(requests, outcome);
  const startNs = earliest(outcome.queuedNs);
  const lastingNs = Math.max(0, outcome.endedNs - startNs);
  const seconds = lastingNs / NS_PER_S;
  const good = objective === undefined ? NaN : goodCount(times, objective);
  const replicas = meanReplicas(run, outcome, lastingNs);
  const dollars = dollarsAnHour(run, replicas) * (seconds / 3600);
  const waiting = there(outcome.scheduledNs.map((atNs, i) => (atNs < 0 ? -1 : atNs - outcome.queuedNs[i]!)));
  return {
    requests: { finished, rejected: outcome.rejected, unfinished: requests.count - finished - outcome.rejected },
    ttft: summarise(there(times.ttftNs)),
    tpot: summarise(there(times.tpotNs)),
    e2e: summarise(there(times.e2eNs)),
    itl: watch.gaps(livesNs(outcome)),
    waiting: summarise(waiting),
    ...(frontNs === undefined ? {} : { front: summarise(frontNs.filter((_, i) => outcome.firstTokenNs[i]! >= 0)) }),
    requestsPerSecond: finished / seconds,
    outputTokensPerSecond: outputTokens / seconds,
    tokensPerSecond: (inputTokens + outputTokens) / seconds,
    goodShare: good / requests.count,
    goodPerSecond: good / seconds,
    dollarsPerMillionTokens: (dollars / (inputTokens + outputTokens)) * 1e6,
    dollarsPerMillionOutputTokens: (dollars / outputTokens) * 1e6,
    joulesPerOutputToken: watch.joules() / outputTokens,
    joulesSpread: watch.joulesSpread,
    replicas,
    resent: outcome.resent,
    busy: busyShares(run, outcome, { replicas, lastingNs }),
    ...kvFigures(run, outcome),
    preemptions: outcome.preemptions,
    cachedShare: cachedTokens / inputTokens,
    ...adapterFigures(requests, outcome),
    ...imageFigures(outcome),
    growing: queueGrowth(requests, outcome).growing,
    lastingNs,
  };
}

function adapterFigures({ count }: RequestColumns, { adapters, busyNs }: ServingOutcome): Pick<RunFigures, "adapters"> {
  if (adapters === undefined) return {};
  const { admissions, hits, short, loads, diskLoads, loadNs } = adapters;
  const busy = busyNs.reduce((sum, ns) => sum + ns, 0);
  return { adapters: { hitShare: hits / admissions, shortShare: short / count, loads, diskLoads, loadShare: loadNs / busy } };
}

function imageFigures({ images }: ServingOutcome): Pick<RunFigures, "images"> {
  if (images === undefined) return {};
  const { encoded, tokens, found } = images;
  return { images: { encoded, tokensEach: tokens / encoded, foundShare: found / (encoded + found) } };
}

/** Devices of a deployment; of one that scales, the most there may be. */
export function deviceCount({ pools }: Pick<DeploymentRun, "pools">): number {
  return pools.reduce((sum, { pool, cost }) => sum + pool.replicas * cost.devices, 0);
}

function totals(requests: RequestColumns, outcome: ServingOutcome) {
  const sums = { finished: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0 };
  for (let i = 0; i < requests.count; i++) {
    if (outcome.lastTokenNs[i]! < 0) continue;
    sums.finished += 1;
    sums.inputTokens += requests.promptTokens[i]!;
    sums.outputTokens += requests.outputTokens[i]!;
    sums.cachedTokens += Math.max(0, outcome.cachedTokens[i]!);
  }
  return sums;
}

function goodCount(times: RequestTimes, { ttftNs, tpotNs, e2eNs }: Objective): number {
  let good = 0;
  for (let i = 0; i < times.e2eNs.length; i++) {
    if (times.e2eNs[i]! < 0) continue;
    const kept =
      (ttftNs === undefined || times.ttftNs[i]! <= ttftNs) &&
      (tpotNs === undefined || times.tpotNs[i]! <= tpotNs) &&
      (e2eNs === undefined || times.e2eNs[i]! <= e2eNs);
    if (kept) good += 1;
  }
  return good;
}

/** NaN where a device has no price. */
function dollarsAnHour({ pools }: DeploymentRun, replicas: readonly number[]): number {
  const dollars = (sheet: DeviceSheet, devices: number): number => devices * (sheet.dollarsPerHour?.value ?? NaN);
  return pools.reduce((sum, { pool, sheet, ffn }, i) => {
    const replica = dollars(sheet, devicesOf(pool.parallel)) + (ffn === undefined ? 0 : dollars(ffn.sheet, ffn.devices));
    return sum + replicas[i]! * replica;
  }, 0);
}

function meanReplicas(run: DeploymentRun, { replicaNs }: ServingOutcome, lastingNs: number): number[] {
  return sumsByPool(run, replicaNs).map((sum, i) => (lastingNs === 0 ? run.pools[i]!.pool.replicas : sum / lastingNs));
}

function busyShares(
  run: DeploymentRun,
  { busyNs }: ServingOutcome,
  { replicas, lastingNs }: { readonly replicas: readonly number[]; readonly lastingNs: number },
): number[] {
  return sumsByPool(run, busyNs).map((sum, i) => sum / replicas[i]! / lastingNs);
}

function sumsByPool({ pools }: DeploymentRun, ofReplicas: Float64Array): number[] {
  let replica = 0;
  return pools.map(({ pool }) => {
    let sum = 0;
    for (let i = 0; i < pool.replicas; i++) sum += ofReplicas[replica++]!;
    return sum;
  });
}

function kvFigures({ pools }: DeploymentRun, { samples }: ServingOutcome): { kvMean: number; kvPeak: number } {
  if (samples === undefined || samples.kvUsed.length === 0) return { kvMean: NaN, kvPeak: NaN };
  let sum = 0;
  let peak = 0;
  for (const share of samples.kvUsed) {
    sum += share;
    peak = Math.max(peak, share);
  }
  // Replicas that are not ordered hold nothing, and those that encode have no room for any.
  const without = pools.reduce((count, { pool }) => count + (pool.role === "encode" ? pool.replicas : 0), 0);
  return { kvMean: sum / samples.ordered.reduce((all, count) => all + count - without, 0), kvPeak: peak };
}

function there(values: Float64Array): Float64Array {
  return values.filter((value) => value >= 0);
}

function earliest(queuedNs: Float64Array): number {
  let least = Infinity;
  for (const atNs of queuedNs) if (atNs >= 0 && atNs < least) least = atNs;
  return least === Infinity ? 0 : least;
}
