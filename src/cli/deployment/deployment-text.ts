import { formatNs } from "../../base/duration.ts";
import { quantity } from "../../base/quantity.ts";
import type { FilledDefault } from "../../plan/deployment/deployment-file.ts";
import type { Bar } from "../../simulate/bar.ts";
import { objectiveText } from "../../simulate/deployment/objective.ts";
import type { SummaryBars } from "../../simulate/ensemble.ts";
import { table } from "../output.ts";
import type { DeploymentReport, FfnReport, PoolReport } from "./deployment-report.ts";
import { kvLines } from "./kv-report.ts";
import { measuredAtText } from "./measured-at.ts";

/** The report for people. */
export function deploymentText(report: DeploymentReport): string {
  const { deployment, figures, workload } = report;
  const { finished, rejected, unfinished } = figures.requests;
  return [
    `${deployment.model} on ${devicesText(report)}, ${workload.requests} requests (${workload.source})`,
    `${finished} finished, ${rejected} refused as too long, ${unfinished} unfinished; ${formatNs(figures.lastingNs.value)} of serving`,
    ...workload.leftOut.map(({ reason, rows }) => `left out of the workload: ${rows} rows ${reason}`),
    ...stationaryText(report),
    "",
    latencyTable(report),
    "",
    table(["", "value"], otherRows(report)),
    "",
    ...report.pools.flatMap(poolLines),
    ...kvLines(report.kv),
    ...defaultLines(report.defaults),
    measuredAtText(report.measuredAt),
    `Every figure is estimated. ${intervalText(report)}`,
  ].join("\n");
}

/** Devices, and whether they are those of the largest fleet. */
export function devicesText({ deployment, devices }: DeploymentReport): string {
  const most = deployment.pools.some(({ scaling }) => scaling !== undefined) ? "at most " : "";
  return `${most}${devices} device${devices === 1 ? "" : "s"}`;
}

export function stationaryText({ figures, runs }: DeploymentReport): string[] {
  if (figures.growingShare === 0) return [];
  const often = figures.growingShare === 1 ? "" : ` in ${Math.round(figures.growingShare * runs)} of ${runs} runs`;
  return [
    `NOT STATIONARY${often}: the queue was still growing when the last request arrived; latencies depend on how long the workload lasts.`,
  ];
}

/** What the brackets hold. */
export function intervalText({ runs, deployment }: Pick<DeploymentReport, "runs" | "deployment">): string {
  if (runs === 1) return "One run without errors: no interval was asked for.";
  // The one that is drawn lies in the middle.
  if (runs === 2) return "Two runs give no interval: ask for three and more.";
  const lost = deployment.pools.some(({ outages }) => outages !== undefined) ? " and whose replicas are lost anew" : "";
  return `In brackets: where 90 % of ${runs} runs lie whose prices err as the basis says${lost}; queues and lengths are as in the workload.`;
}

function latencyTable(report: DeploymentReport): string {
  return table(["latency", "mean", "p50", "p90", "p99"], latencyRows(report));
}

export function latencyRows({ figures }: DeploymentReport): string[][] {
  const row = (name: string, bars: SummaryBars): string[] => [
    name,
    ...[bars.mean, bars.p50, bars.p90, bars.p99].map((bar) => barText(bar, formatNs)),
  ];
  return [
    row(figures.front === undefined ? "TTFT at the engine" : "TTFT at the client", figures.ttft),
    ...(figures.front === undefined ? [] : [row("of that front end", figures.front)]),
    row("TPOT", figures.tpot),
    row("between tokens", figures.itl),
    row("end to end", figures.e2e),
    row("of that waiting", figures.waiting),
  ];
}

export function otherRows(report: DeploymentReport): string[][] {
  const { deployment, figures, objective, pools } = report;
  // Of those that were paid for, mean over the time.
  const devices = pools.reduce((sum, pool, i) => sum + (pool.devices * figures.replicas[i]!.value) / deployment.pools[i]!.replicas, 0);
  const changes = deployment.pools.some(({ scaling, outages }) => scaling !== undefined || outages !== undefined);
  const perDevice = (bar: Bar): Bar => ({ value: bar.value / devices, low: bar.low / devices, high: bar.high / devices });
  const joined = pools.map(({ name }, i) => [pools.length === 1 ? "devices busy" : `${name} busy`, barText(figures.busy[i]!, percent)]);
  return [
    ["output tokens/s", barText(figures.outputTokensPerSecond, rate)],
    ["output tokens/s a device", barText(perDevice(figures.outputTokensPerSecond), rate)],
    ["tokens/s, prompts and answers", barText(figures.tokensPerSecond, rate)],
    ["requests/s", barText(figures.requestsPerSecond, rate)],
    ...(objective === undefined
      ? []
      : [
          [
            `kept ${objectiveText(objective, formatNs)}`,
            `${barText(figures.goodShare, percent)}: ${kept(figures.goodShare, objective.share)}`,
          ],
          ["good requests/s a device", barText(perDevice(figures.goodPerSecond), rate)],
        ]),
    ["$ a million output tokens", barText(figures.dollarsPerMillionOutputTokens, dollars)],
    ["$ a million tokens", barText(figures.dollarsPerMillionTokens, dollars)],
    [
      `J an output token, devices while they compute${figures.joulesSpread === 0 ? "" : ` (power ±${Math.round(figures.joulesSpread * 100)} %)`}`,
      barText(figures.joulesPerOutputToken, rate),
    ],
    ...joined,
    ...(changes
      ? [
          ...pools.map(({ name }, i) => [
            pools.length === 1 ? "replicas paid for, mean" : `${name} replicas paid for, mean`,
            barText(figures.replicas[i]!, (value) => value.toFixed(2)),
          ]),
          ["requests sent again", barText(figures.resent, count)],
        ]
      : []),
    ["KV use, mean", barText(figures.kvMean, percent)],
    ["KV use, peak", barText(figures.kvPeak, percent)],
    ...adapterRows(report),
    ...imageRows(report),
    ["prompt tokens found cached", barText(figures.cachedShare, percent)],
    ["preemptions", barText(figures.preemptions, count)],
  ];
}

function adapterRows({ figures: { adapters } }: DeploymentReport): string[][] {
  if (adapters === undefined) return [];
  return [
    ["adapters found in a slot", barText(adapters.hitShare, percent)],
    ["adapters loaded into slots", barText(adapters.loads, count)],
    ["of those from disk", barText(adapters.diskLoads, count)],
    ["busy time spent on loads", barText(adapters.loadShare, percent)],
    ["requests that waited for a slot", barText(adapters.shortShare, percent)],
  ];
}

function imageRows({ figures: { images } }: DeploymentReport): string[][] {
  if (images === undefined) return [];
  return [
    ["images encoded", barText(images.encoded, count)],
    ["tokens of an image", barText(images.tokensEach, count)],
    ["images found encoded", barText(images.foundShare, percent)],
  ];
}

function kept({ low, value, high }: Bar, share: number): string {
  if (low >= share) return "kept";
  if (high < share) return "not kept";
  return value >= share ? "kept, but not surely" : "not kept, but not surely";
}

function ffnLines({ device, devices, weightBytesADevice, sequences, context, lap }: FfnReport): string[] {
  const { attentionNs, ffnNs, dispatchNs, combineNs, microBatches, microBatchesNeeded, hidden, slowest } = lap;
  const waits = microBatches < microBatchesNeeded ? `; ${Math.ceil(microBatchesNeeded)} micro-batches would keep it busy` : "";
  return [
    `  feed-forwards: ${devices} x ${device}, ${quantity(weightBytesADevice, "B")} of weights a device`,
    `  a layer of one of ${microBatches} micro-batches, ${sequences} sequences of ${context}: attention ${formatNs(attentionNs)}, there ${formatNs(dispatchNs)}, ` +
      `feed-forward ${formatNs(ffnNs)}, back ${formatNs(combineNs)}; links ${hidden ? "hidden" : "not hidden"}, slowest: ${slowest}${waits}`,
  ];
}

export function poolLines(pool: PoolReport): string[] {
  const price = pool.dollarsPerHour;
  const power = pool.powerWatts;
  const { ffn } = pool;
  return [
    `${pool.name}: ${pool.devices - (ffn?.devices ?? 0)} x ${pool.device}, ${quantity(pool.weightBytesADevice, "B")} of weights a device, ${pool.kvTokens} tokens of KV a replica`,
    ...(pool.adapterBytesADevice === 0 ? [] : [`  adapters: ${quantity(pool.adapterBytesADevice, "B")} of slots a device`]),
    ...(pool.encoderBytesADevice === 0
      ? []
      : [`  images: ${quantity(pool.encoderBytesADevice, "B")} a device of encoder, its activations and what is kept`]),
    ...(ffn === undefined ? [] : ffnLines(ffn)),
    `  iterations: ${pool.basis}, ±${Math.round(pool.spread * 100)} % (${pool.source})`,
    `  price: ${price === undefined ? "unknown" : `$${price.value}/h a device, ${price.basis} (${price.source})`}`,
    `  power: ${power === undefined ? "unknown" : `${power.value} W a device, ${power.basis} (${power.source})`}`,
  ];
}

/** Values that the file leaves out, those of one reason on one line. */
export function defaultLines(defaults: readonly FilledDefault[], title = "not in the file, so taken as:"): string[] {
  if (defaults.length === 0) return [];
  const byReason = new Map<string, string[]>();
  for (const { field, value, reason } of defaults) byReason.set(reason, [...(byReason.get(reason) ?? []), `${field} = ${value}`]);
  return [title, ...[...byReason].map(([reason, fields]) => `  ${fields.join(", ")} (${reason})`)];
}

/** A figure with its interval. */
export function barText({ value, low, high }: Bar, format: (value: number) => string): string {
  if (Number.isNaN(value)) return "unknown";
  return low === high ? format(value) : `${format(value)} [${format(low)} to ${format(high)}]`;
}

export function rate(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : value.toPrecision(3);
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function count(value: number): string {
  return String(Math.round(value));
}

function dollars(value: number): string {
  return value.toPrecision(3);
}
