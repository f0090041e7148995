import { assert } from "../../base/assert.ts";
import { mix32, seededPrng } from "../../base/prng.ts";
import { type Summary, shuffledIndices } from "../../base/statistics.ts";
import type { Ratio } from "../../base/units.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { runFactor } from "../../cost/run-spread.ts";
import type { Bar } from "../bar.ts";
import type { SummaryBars } from "../ensemble.ts";
import { runServing } from "../serving/run-serving.ts";
import type { ServingOutcome } from "../serving/serving-input.ts";
import { type DeploymentRun, servingInputOf } from "./deployment-run.ts";
import { firstTokenFactor } from "./first-token-spread.ts";
import { frontTimes } from "./front-times.ts";
import { iterationWatch } from "./iteration-watch.ts";
import type { Objective } from "./objective.ts";
import { type AdapterFigures, type ImageFigures, type RunFigures, runFigures } from "./run-figures.ts";
import { barWithFirst } from "./what-if.ts";

/** Figures of a deployment, each with the interval that the errors of its prices leave. */
export interface DeploymentFigures {
  readonly ttft: SummaryBars;
  readonly tpot: SummaryBars;
  readonly e2e: SummaryBars;
  readonly itl: SummaryBars;
  readonly waiting: SummaryBars;
  /** What of TTFT and end to end is the engine's front end; absent: times are those of the engine. */
  readonly front?: SummaryBars;
  readonly requestsPerSecond: Bar;
  readonly outputTokensPerSecond: Bar;
  readonly tokensPerSecond: Bar;
  readonly goodShare: Bar;
  readonly goodPerSecond: Bar;
  readonly dollarsPerMillionTokens: Bar;
  readonly dollarsPerMillionOutputTokens: Bar;
  /** Its interval holds the error of the power, too. */
  readonly joulesPerOutputToken: Bar;
  readonly joulesSpread: number;
  readonly busy: readonly Bar[];
  readonly kvMean: Bar;
  readonly kvPeak: Bar;
  readonly preemptions: Bar;
  /** By pool: replicas that were paid for, mean over the time. */
  readonly replicas: readonly Bar[];
  readonly resent: Bar;
  readonly cachedShare: Bar;
  /** Where requests have adapters. */
  readonly adapters?: Readonly<Record<keyof AdapterFigures, Bar>>;
  /** Where requests have images. */
  readonly images?: Readonly<Record<keyof ImageFigures, Bar>>;
  /** Share of the runs in which the queue was still growing when the last request arrived. */
  readonly growingShare: number;
  /** Of the run without error. */
  readonly requests: RunFigures["requests"];
  readonly lastingNs: Bar;
}

export interface EnsembleOptions {
  /** The first run has no error; the others draw one. */
  readonly runs: number;
  readonly seed: number;
  readonly objective?: Objective;
  /** Samples of queues and KV over the length of the arrivals. */
  readonly samples?: number;
  /** Devices whose prices err on their own, not as those of the other pools do: their sheets' ids. */
  readonly apart?: ReadonlySet<string>;
  /** Where TTFT and end to end are taken, and limits on them held; absent: at the engine. */
  readonly measuredAt?: MeasuredAt;
}

/** One run of an ensemble. */
export interface EnsembleRun {
  readonly figures: RunFigures;
  readonly outcome: ServingOutcome;
  /** What each request waited for a front end, where times are a client's. Units: ns. */
  readonly frontNs?: Float64Array;
  /** Factor on its first tokens' times, as drawn; in the figures, not in the outcome. */
  readonly firstToken: Ratio;
}

const SAMPLES = 200;

/**
 * Runs of a deployment with the systematic errors of its prices drawn anew: one quantile a run for all pools, as prices of one model err together; the
 * quantiles are spread evenly over the runs. Front ends err on their own. The first run has factor 1. Losses of replicas are drawn anew for each run, alike for those of one number.
 */
export function* deploymentRuns(run: DeploymentRun, options: EnsembleOptions): Generator<EnsembleRun> {
  const { runs, seed, objective } = options;
  assert(Number.isInteger(runs) && runs >= 1, "an ensemble has a run", { runs });
  const drawn = runs - 1;
  const order = shuffledIndices(drawn, seededPrng(mix32(seed)));
  const orderApart = shuffledIndices(drawn, seededPrng(mix32(mix32(seed))));
  const orderFront = shuffledIndices(drawn, seededPrng(mix32(mix32(mix32(seed)))));
  const sampleNs = Math.max(1, Math.round(arrivalsLastNs(run) / (options.samples ?? SAMPLES)));
  for (let i = 0; i < runs; i++) {
    const poolFactors = run.pools.map(({ cost, sheet, ffn }) => {
      const apart = options.apart?.has(sheet.id) === true || (ffn !== undefined && options.apart?.has(ffn.sheet.id) === true);
      const place = (apart ? orderApart : order)[i - 1];
      return place === undefined ? 1 : runFactor({ systematic: cost.spread }, (place + 0.5) / drawn);
    });
    const watch = iterationWatch(run.pools);
    const outcome = runServing(
      servingInputOf(run, { seed, outageSeed: mix32(mix32(seed) + i), poolFactors, sampleNs, onIteration: watch.listener }),
    );
    const quantileIn = (places: Int32Array): Ratio => (i === 0 ? 0.5 : (places[i - 1]! + 0.5) / drawn);
    const firstToken = i === 0 ? 1 : firstTokenFactor(run, quantileIn(order));
    const front = options.measuredAt === "client" ? { frontNs: frontTimes(run, outcome, { errorQuantile: quantileIn(orderFront) }) } : {};
    yield { figures: runFigures(run, { outcome, watch, firstToken, ...front }, objective), outcome, firstToken, ...front };
  }
}

/** The figures of the runs of an ensemble: the value of the first, and the interval of all. */
export function deploymentFigures(runs: readonly RunFigures[]): DeploymentFigures {
  const first = runs[0];
  assert(first !== undefined, "an ensemble has a run");
  const bar = (pick: (run: RunFigures) => number): Bar => barWithFirst(runs.map(pick));
  const summary = (pick: "ttft" | "tpot" | "e2e" | "itl" | "waiting" | "front"): SummaryBars => {
    const part = (statistic: keyof Summary): Bar => bar((run) => run[pick]?.[statistic] ?? Number.NaN);
    return { mean: part("mean"), p50: part("p50"), p90: part("p90"), p99: part("p99") };
  };
  return {
    ttft: summary("ttft"),
    tpot: summary("tpot"),
    e2e: summary("e2e"),
    itl: summary("itl"),
    waiting: summary("waiting"),
    ...(first.front === undefined ? {} : { front: summary("front") }),
    requestsPerSecond: bar((run) => run.requestsPerSecond),
    outputTokensPerSecond: bar((run) => run.outputTokensPerSecond),
    tokensPerSecond: bar((run) => run.tokensPerSecond),
    goodShare: bar((run) => run.goodShare),
    goodPerSecond: bar((run) => run.goodPerSecond),
    dollarsPerMillionTokens: bar((run) => run.dollarsPerMillionTokens),
    dollarsPerMillionOutputTokens: bar((run) => run.dollarsPerMillionOutputTokens),
    joulesPerOutputToken: widened(
      bar((run) => run.joulesPerOutputToken),
      first.joulesSpread,
    ),
    joulesSpread: first.joulesSpread,
    busy: first.busy.map((_, pool) => bar((run) => run.busy[pool]!)),
    kvMean: bar((run) => run.kvMean),
    kvPeak: bar((run) => run.kvPeak),
    preemptions: bar((run) => run.preemptions),
    replicas: first.replicas.map((_, pool) => bar((run) => run.replicas[pool]!)),
    resent: bar((run) => run.resent),
    cachedShare: bar((run) => run.cachedShare),
    ...(first.adapters === undefined ? {} : { adapters: adapterBars(runs) }),
    ...(first.images === undefined ? {} : { images: imageBars(runs) }),
    growingShare: runs.filter((run) => run.growing).length / runs.length,
    requests: first.requests,
    lastingNs: bar((run) => run.lastingNs),
  };
}

function adapterBars(runs: readonly RunFigures[]): Record<keyof AdapterFigures, Bar> {
  const bar = (name: keyof AdapterFigures): Bar => barWithFirst(runs.map(({ adapters }) => adapters?.[name] ?? NaN));
  const [hitShare, shortShare, loads] = [bar("hitShare"), bar("shortShare"), bar("loads")];
  return { hitShare, shortShare, loads, diskLoads: bar("diskLoads"), loadShare: bar("loadShare") };
}

function imageBars(runs: readonly RunFigures[]): Record<keyof ImageFigures, Bar> {
  const bar = (name: keyof ImageFigures): Bar => barWithFirst(runs.map(({ images }) => images?.[name] ?? NaN));
  return { encoded: bar("encoded"), tokensEach: bar("tokensEach"), foundShare: bar("foundShare") };
}

/** An interval with an error of its own on top, whose sign all runs share: half-widths add. */
function widened({ value, low, high }: Bar, spread: number): Bar {
  return { value, low: low * (1 - spread), high: high * (1 + spread) };
}

/** Length of the arrivals, or a guess of a second a request in flight where they come from closed loops. Units: ns. */
function arrivalsLastNs({ requests }: DeploymentRun): number {
  const { arrivalNs, count } = requests;
  const lasting = count === 0 ? 0 : arrivalNs[count - 1]! - arrivalNs[0]!;
  return lasting > 0 ? lasting : 60e9;
}
