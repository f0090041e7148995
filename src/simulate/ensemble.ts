import { assert } from "../base/assert.ts";
import { mix32, seededPrng } from "../base/prng.ts";
import { type Summary, shuffledIndices } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import { runFactor } from "../cost/run-spread.ts";
import { type Bar, barOf } from "./bar.ts";
import type { RunMetrics } from "./metrics/run-metrics.ts";
import type { RunInput } from "./run/run-input.ts";
import { type SimulatedRun, simulatedRun } from "./simulated-run.ts";

export interface SummaryBars {
  readonly mean: Bar;
  readonly p50: Bar;
  readonly p90: Bar;
  readonly p99: Bar;
}

/** The metrics of `RunMetrics`, each over all runs. */
export interface EnsembleMetrics {
  readonly ttft: SummaryBars;
  readonly tpot: SummaryBars;
  readonly e2e: SummaryBars;
  readonly tokensPerSecond: Bar;
  readonly requestsPerSecond: Bar;
  readonly kvMean: Bar;
  readonly kvPeak: Bar;
  readonly cachedShare: Bar;
  /** By device id. */
  readonly deviceUse: Readonly<Record<string, Bar>>;
}

export interface EnsembleOptions {
  readonly runs: number;
  readonly seed: number;
}

/**
 * Repeats a run with the errors of the cost models drawn anew: the systematic part once a run, the same quantile for all replicas, because errors of
 * tables measured on one machine go together; the noise once a step.
 *
 * Model: `runFactor` and `noiseDraws`; the quantiles of the systematic part are spread evenly over the runs, in an order drawn from the seed, so that
 * few runs cover it.
 */
export function* ensembleRuns(input: RunInput, options: EnsembleOptions): Generator<SimulatedRun> {
  const { runs: count, seed } = options;
  assert(Number.isInteger(count) && count >= 1, "an ensemble has a run", { count });
  const order = shuffledIndices(count, seededPrng(mix32(seed)));
  for (let i = 0; i < count; i++) {
    yield simulatedRun(drawn(input, (order[i]! + 0.5) / count, mix32(mix32(seed) + i)));
  }
}

function drawn(input: RunInput, share: Ratio, seed: number): RunInput {
  const replicas = input.replicas.map((replica) => ({
    ...replica,
    stepFactor: replica.stepFactor * runFactor(replica.cost.spread, share),
    stepNoise: replica.cost.spread,
  }));
  return { ...input, replicas, seed };
}

/** The metrics of the runs of an ensemble, with their bars. */
export function ensembleMetrics(runs: readonly RunMetrics[]): EnsembleMetrics {
  const summary = (pick: "ttft" | "tpot" | "e2e"): SummaryBars => {
    const bar = (statistic: keyof Summary): Bar => barOf(runs.map((run) => run[pick][statistic]));
    return { mean: bar("mean"), p50: bar("p50"), p90: bar("p90"), p99: bar("p99") };
  };
  const devices = [...(runs[0]?.deviceUse.keys() ?? [])];
  return {
    ttft: summary("ttft"),
    tpot: summary("tpot"),
    e2e: summary("e2e"),
    tokensPerSecond: barOf(runs.map((run) => run.tokensPerSecond)),
    requestsPerSecond: barOf(runs.map((run) => run.requestsPerSecond)),
    kvMean: barOf(runs.map((run) => run.kvUse.mean)),
    kvPeak: barOf(runs.map((run) => run.kvUse.peak)),
    cachedShare: barOf(runs.map((run) => run.cachedShare)),
    deviceUse: Object.fromEntries(devices.map((device) => [device, barOf(runs.map((run) => run.deviceUse.get(device) ?? 0))])),
  };
}
