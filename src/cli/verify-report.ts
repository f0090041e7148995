import { quantile } from "../base/statistics.ts";
import type { Nanoseconds } from "../base/units.ts";
import { barOf } from "../simulate/bar.ts";
import { e2eNs, type RequestRecord, tpotNs, ttftNs } from "../simulate/metrics/request-record.ts";
import { formatNs, table } from "./output.ts";
import type { ComparedFigure, Comparison, RackSpeed, Verification } from "./verification.ts";

const METRICS = [
  { metric: "TTFT", of: ttftNs },
  { metric: "TPOT", of: tpotNs },
  { metric: "E2E", of: e2eNs },
] as const;
const STATISTICS = [
  { statistic: "p50", share: 0.5 },
  { statistic: "p90", share: 0.9 },
] as const;

/** Compares what clients saw live with an ensemble of simulated runs of the same arrivals. */
export function compareRecords(simulated: readonly (readonly RequestRecord[])[], live: readonly RequestRecord[]): Comparison {
  const figures = METRICS.flatMap(({ metric, of }) =>
    STATISTICS.map(({ statistic, share }): ComparedFigure => {
      const bar = barOf(simulated.map((run) => quantile(valuesOf(run, of), share)));
      const liveNs = quantile(valuesOf(live, of), share);
      return {
        metric,
        statistic,
        simulated: bar,
        liveNs,
        error: (bar.value - liveNs) / liveNs,
        covered: liveNs >= bar.low && liveNs <= bar.high,
        halfWidth: (bar.high - bar.low) / 2 / bar.value,
      };
    }),
  );
  return {
    figures,
    coverage: figures.filter(({ covered }) => covered).length / figures.length,
    halfWidth: quantile(
      figures.map((figure) => figure.halfWidth),
      0.5,
    ),
  };
}

function valuesOf(records: readonly RequestRecord[], of: (record: RequestRecord) => Nanoseconds | undefined): number[] {
  return records.map(of).filter((value) => value !== undefined);
}

/** A verification for people. */
export function verificationText(verification: Verification): string {
  const { load, seed, capacity, requests, finished, runs, sources, speed, comparison } = verification;
  const rows = comparison.figures.map(({ metric, statistic, simulated, liveNs, error, covered, halfWidth }) => [
    `${metric} ${statistic}`,
    `${formatNs(simulated.value)} [${formatNs(simulated.low)} to ${formatNs(simulated.high)}]`,
    formatNs(liveNs),
    `${error >= 0 ? "+" : ""}${percent(error)}`,
    covered ? "inside" : "outside",
    `±${percent(halfWidth)}`,
  ]);
  return [
    `${percent(load)} of a predicted capacity of ${capacity.toPrecision(3)} requests/s, seed ${seed}: ${requests} requests, ${finished} finished live`,
    ...speedText(speed),
    table(["", `simulated, 90 % of ${runs} runs`, "live", "error", "bar", "half-width"], rows),
    `the bars hold ${percent(comparison.coverage)} of the live figures; median half-width ±${percent(comparison.halfWidth)}; step times: ${sources.join("; ")}`,
  ].join("\n");
}

/** Speeds are the inverse of times: 0.83 is slower than calibrated. */
function speedText({ before, after, probeWeight }: RackSpeed): readonly string[] {
  if (before === undefined) return [];
  const phases = [
    before.decode === undefined ? [] : [`decode ${inverse(before.decode)}`],
    before.prefill === undefined ? [] : [`prefill ${inverse(before.prefill)}`],
  ].flat();
  const now = `speed now against calibrated: ${inverse(before.timeRatio)} (${phases.join(", ")}; ${before.steps} steps just before the run, weight ${percent(probeWeight)} beside earlier runs)`;
  if (after === undefined) return [now];
  const change = before.timeRatio / after.timeRatio - 1;
  return [
    `${now}; just after it ${inverse(after.timeRatio)}: the machine became ${percent(Math.abs(change))} ${change < 0 ? "slower" : "faster"}`,
  ];
}

function inverse(timeRatio: number): string {
  return (1 / timeRatio).toFixed(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
