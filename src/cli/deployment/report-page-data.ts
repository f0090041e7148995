import { formatNs } from "../../base/duration.ts";
import { quantileOfSorted } from "../../base/statistics.ts";
import type { ReportChart, ReportData, ReportLine, ReportSection } from "../../inspect/report-page/report-data.ts";
import type { EnsembleRun } from "../../simulate/deployment/deployment-ensemble.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import { objectiveText } from "../../simulate/deployment/objective.ts";
import { type RequestTimes, requestTimes } from "../../simulate/deployment/run-figures.ts";
import type { ServingSamples } from "../../simulate/serving/serving-input.ts";
import type { DeploymentReport } from "./deployment-report.ts";
import { defaultLines, devicesText, intervalText, latencyRows, otherRows, poolLines, stationaryText } from "./deployment-text.ts";
import { kvLines } from "./kv-report.ts";
import { measuredAtText } from "./measured-at.ts";

/** Points of a distribution curve. */
const CURVE_POINTS = 200;

/** The page of a simulation: the report's figures, and charts of its first run. */
export function reportPageData(report: DeploymentReport, run: DeploymentRun, first: EnsembleRun): ReportData {
  const { deployment, workload, figures, objective } = report;
  const times = requestTimes(run.requests, { ...first.outcome, frontNs: first.frontNs });
  const { finished, rejected, unfinished } = figures.requests;
  return {
    title: `${deployment.model} on ${devicesText(report)}`,
    facts: [
      ["workload", `${workload.requests} requests (${workload.source})`],
      ["finished", `${finished}, ${rejected} refused as too long, ${unfinished} unfinished`],
      ["serving", formatNs(figures.lastingNs.value)],
      ["routing", deployment.routing],
      ...(objective === undefined ? [] : [["limits", objectiveText(objective, formatNs)] as const]),
    ],
    warnings: stationaryText(report),
    sections: [
      { title: "Latency", text: intervalText(report), table: { head: ["", "mean", "p50", "p90", "p99"], rows: latencyRows(report) } },
      {
        title: "Throughput, cost and use",
        text: "Energy is that of the devices while they compute; cost is all devices whose replicas are ordered, from the first arrival to the last token.",
        table: { head: ["", "value"], rows: otherRows(report) },
      },
      {
        title: "Distribution of latencies",
        text: "Share of requests below a time, in the run whose prices have no error. Limits are marked.",
        chart: latencyChart(times, report),
      },
      {
        title: "Time to first token over the run",
        text: "By arrival, in the same run: median and 90th percentile of a hundredth of the requests each. What rises to the end has no steady state.",
        chart: overTime(run, first, times),
      },
      ...sampleSections(first.outcome.samples),
    ],
    notes: [
      ...report.pools.flatMap(poolLines),
      ...kvLines(report.kv),
      ...defaultLines(report.defaults),
      measuredAtText(report.measuredAt),
      "Every figure is estimated.",
    ].map((line) => line.trim()),
  };
}

function latencyChart({ ttftNs, tpotNs, e2eNs }: RequestTimes, { objective }: DeploymentReport): ReportChart {
  const curve = (name: string, values: Float64Array): ReportLine => {
    const sorted = values.filter((value) => value > 0).sort();
    const shares = Array.from({ length: CURVE_POINTS + 1 }, (_, i) => i / CURVE_POINTS);
    return {
      name,
      x: sorted.length === 0 ? [] : shares.map((share) => quantileOfSorted(sorted, share)),
      y: sorted.length === 0 ? [] : shares,
    };
  };
  const limits = [
    ["TTFT", objective?.ttftNs],
    ["TPOT", objective?.tpotNs],
    ["end to end", objective?.e2eNs],
  ] as const;
  return {
    x: { name: "time", unit: "ns", log: true },
    y: { name: "share of requests", unit: "share", log: false },
    lines: [curve("TTFT", ttftNs), curve("TPOT", tpotNs), curve("end to end", e2eNs)],
    marks: limits.flatMap(([name, at]) => (at === undefined ? [] : [{ at, name: `${name} limit` }])),
  };
}

const PARTS = 100;
/** Points of a line over time at most. */
const SAMPLES_MAX = 400;

function overTime({ requests }: DeploymentRun, { outcome }: EnsembleRun, { ttftNs }: RequestTimes): ReportChart {
  const order = [...ttftNs.keys()].filter((i) => ttftNs[i]! >= 0).sort((a, b) => outcome.queuedNs[a]! - outcome.queuedNs[b]!);
  const parts = Math.max(1, Math.min(PARTS, Math.floor(order.length / 5)));
  const x: number[] = [];
  const median: number[] = [];
  const tail: number[] = [];
  for (let part = 0; part < parts; part++) {
    const members = order.slice(Math.floor((part * order.length) / parts), Math.floor(((part + 1) * order.length) / parts));
    if (members.length === 0) continue;
    const sorted = Float64Array.from(members, (i) => ttftNs[i]!).sort();
    x.push(outcome.queuedNs[members[0]!]! - (requests.arrivalNs[0] ?? 0));
    median.push(quantileOfSorted(sorted, 0.5));
    tail.push(quantileOfSorted(sorted, 0.9));
  }
  return {
    x: { name: "arrival", unit: "ns", log: false },
    y: { name: "TTFT", unit: "ns", log: false },
    lines: [
      { name: "median", x, y: median },
      { name: "p90", x, y: tail },
    ],
    marks: [],
  };
}

function sampleSections(samples: ServingSamples | undefined): ReportSection[] {
  if (samples === undefined || samples.atNs.length < 2) return [];
  const { atNs, replicas } = samples;
  const start = atNs[0]!;
  // Closed loops are sampled at a fixed pace, however long they last.
  const step = Math.ceil(atNs.length / SAMPLES_MAX);
  const shown = [...atNs.keys()].filter((i) => i % step === 0);
  const x = shown.map((i) => atNs[i]! - start);
  const over = (values: readonly number[], take: (all: readonly number[]) => number): number[] =>
    shown.map((i) => take(values.slice(i * replicas, (i + 1) * replicas)));
  const sum = (all: readonly number[]): number => all.reduce((total, value) => total + value, 0);
  const time = { name: "time", unit: "ns", log: false } as const;
  return [
    {
      title: "Requests running and waiting",
      text: `Over all ${replicas} replicas, in the same run.`,
      chart: {
        x: time,
        y: { name: "requests", unit: "count", log: false },
        lines: [
          { name: "running", x, y: over(samples.running, sum) },
          { name: "waiting", x, y: over(samples.waiting, sum) },
        ],
        marks: [],
      },
    },
    ...(samples.serving.every((count) => count === replicas) ? [] : [replicasSection(samples, shown, x)]),
    {
      title: "KV in use",
      text: "Share of the blocks that requests hold: mean of the replicas that are paid for and the fullest one.",
      chart: {
        x: time,
        y: { name: "of the blocks", unit: "share", log: false },
        lines: [
          {
            name: "mean",
            x,
            y: shown.map((i) => sum(samples.kvUsed.slice(i * replicas, (i + 1) * replicas)) / Math.max(1, samples.ordered[i]!)),
          },
          { name: "fullest", x, y: over(samples.kvUsed, (all) => Math.max(...all)) },
        ],
        marks: [],
      },
    },
  ];
}

function replicasSection(samples: ServingSamples, shown: readonly number[], x: readonly number[]): ReportSection {
  return {
    title: "Replicas",
    text: "Paid for, and those of them that serve: the others start or are lost.",
    chart: {
      x: { name: "time", unit: "ns", log: false },
      y: { name: "replicas", unit: "count", log: false },
      lines: [
        { name: "paid for", x, y: shown.map((i) => samples.ordered[i]!) },
        { name: "serving", x, y: shown.map((i) => samples.serving[i]!) },
      ],
      marks: [],
    },
  };
}
