import { quantile } from "../base/statistics.ts";
import type { Nanoseconds } from "../base/units.ts";
import { barOf } from "../simulate/bar.ts";
import { e2eNs, type RequestRecord, tpotNs, ttftNs } from "../simulate/metrics/request-record.ts";
import { formatNs, table } from "./output.ts";
import type { ComparedFigure, Comparison, Verification } from "./verification.ts";

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
  const { load, seed, capacity, requests, finished, runs, sources, comparison } = verification;
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
    table(["", `simulated, 90 % of ${runs} runs`, "live", "error", "bar", "half-width"], rows),
    `the bars hold ${percent(comparison.coverage)} of the live figures; median half-width ±${percent(comparison.halfWidth)}; step times: ${sources.join("; ")}`,
  ].join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
