import type { Basis } from "../cost/estimate.ts";
import type { Bar } from "../simulate/bar.ts";
import type { EnsembleMetrics, SummaryBars } from "../simulate/ensemble.ts";
import type { RequestCounts } from "../simulate/metrics/run-metrics.ts";
import { formatNs, table } from "./output.ts";

/** What `heddle simulate` prints. Latencies in ns; shares 0 to 1. */
export interface SimulationReport {
  readonly plan: { readonly model: string; readonly replicas: number };
  readonly workload: { readonly source: string; readonly requests: number };
  /** TTFT and end to end are those of the fleet's engine, from when it has a request. */
  readonly measuredAt: "engine";
  readonly runs: number;
  readonly seed: number;
  /** What the step times of the devices rest on. */
  readonly basis: Basis;
  readonly sources: readonly string[];
  /** Of the first run. */
  readonly requests: RequestCounts;
  readonly metrics: EnsembleMetrics;
}

/** The report for people. */
export function simulationText(report: SimulationReport): string {
  const { plan, workload, runs, seed, metrics, requests } = report;
  const latency = (name: string, bars: SummaryBars): string[] => [
    name,
    ...[bars.mean, bars.p50, bars.p90, bars.p99].map((bar) => barText(bar, formatNs)),
  ];
  const others: string[][] = [
    ["output tokens/s", barText(metrics.tokensPerSecond, rateText)],
    ["requests/s", barText(metrics.requestsPerSecond, rateText)],
    ["KV use, mean", barText(metrics.kvMean, percent)],
    ["KV use, peak", barText(metrics.kvPeak, percent)],
    ["prompt tokens found cached", barText(metrics.cachedShare, percent)],
    ...Object.entries(metrics.deviceUse).map(([device, bar]) => [`${device} busy`, barText(bar, percent)]),
  ];
  const { finished, cancelled, failed, unfinished } = requests;
  return [
    `${plan.model} on ${plan.replicas} replica${plan.replicas === 1 ? "" : "s"}, ${workload.requests} requests (${workload.source})`,
    `${finished} finished, ${cancelled} cancelled, ${failed} failed, ${unfinished} unfinished in the first of ${runs} runs (seed ${seed})`,
    "",
    table(
      ["latency", "mean", "p50", "p90", "p99"],
      [latency("TTFT", metrics.ttft), latency("TPOT", metrics.tpot), latency("end to end", metrics.e2e)],
    ),
    "",
    table(["", "value"], others),
    "",
    `basis of every figure: simulated on ${report.basis} step times (${report.sources.join("; ")}); in brackets, 90 % of the runs`,
    "TTFT and end to end: at the fleet's engine; HTTP and tokenising of `heddle serve` are not in them",
  ].join("\n");
}

function barText({ value, low, high }: Bar, format: (value: number) => string): string {
  if (Number.isNaN(value)) return "none";
  return `${format(value)} [${format(low)} to ${format(high)}]`;
}

function rateText(value: number): string {
  return value.toPrecision(3);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
