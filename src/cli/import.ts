import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { formatNs } from "../base/duration.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { knownArchitecture } from "../graph/architecture/known/known-architecture.ts";
import type { Deployment } from "../plan/deployment/deployment.ts";
import type { ReadDeployment } from "../plan/deployment/deployment-file.ts";
import type { DeviceSheet } from "../rack/catalog/device-sheet.ts";
import { type EngineMetrics, engineMetrics } from "../simulate/imported/engine-metrics.ts";
import { type FleetFile, writeFleetFile } from "../simulate/imported/fleet-file.ts";
import { type MeasuredFigures, measuredColumns, measuredFigures } from "../simulate/imported/measured-columns.ts";
import { prometheusSamples } from "../simulate/imported/prometheus-text.ts";
import { checkServedModel, withReported } from "../simulate/imported/reported-settings.ts";
import { requestColumns } from "../simulate/workload/columns/request-columns.ts";
import { readWorkload } from "../simulate/workload/read-workload.ts";
import { defaultLines, rate } from "./deployment/deployment-text.ts";
import { isPath, priceDeployment, readDeploymentFile, readModelConfig } from "./deployment/open-deployment.ts";
import { printResult, table } from "./output.ts";
import { sheetOf } from "./rack-catalog.ts";
import { parseBytesFile, parseTextFile } from "./read-file.ts";

interface ImportOptions {
  readonly deployment: string;
  readonly metrics?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** What `heddle import` says. */
interface ImportReport {
  readonly version: 1;
  readonly file: string;
  readonly source: string;
  readonly requests: number;
  readonly leftOut: readonly { readonly reason: string; readonly rows: number }[];
  readonly settings: readonly string[];
  readonly defaults: ReadDeployment["defaults"];
  readonly measured?: MeasuredFigures;
  readonly metrics?: EngineMetrics;
}

export function importFleet(log: string, options: ImportOptions): void {
  const folder = dirname(options.deployment);
  const metrics =
    options.metrics === undefined ? undefined : parseTextFile(options.metrics, (text) => engineMetrics(prometheusSamples(text)));
  const stated = readDeploymentFile(options.deployment);
  const { read, settings } = metrics === undefined ? { read: stated, settings: [] } : withReported(stated, metrics);
  if (metrics !== undefined) checkServedModel(read.deployment, metrics.models, "the scrape");
  // Prices now, so that what cannot be simulated is said now.
  priceDeployment(read.deployment, folder);
  const workload = parseBytesFile(log, readWorkload);
  if (workload.model !== undefined) checkServedModel(read.deployment, [workload.model], "the log");
  const measured = measuredColumns(workload);
  const requests = requestColumns(workload);
  const fleet: FleetFile = {
    source: `${workload.source} of ${log.split("/").at(-1)}`,
    ...read,
    ...partsOf(read.deployment, folder),
    workload: { source: workload.source, requests },
    ...(measured === undefined ? {} : { measured }),
  };
  writeWhole(options.out, writeFleetFile(fleet));
  const report: ImportReport = {
    version: 1,
    file: options.out,
    source: fleet.source,
    requests: requests.count,
    leftOut: workload.leftOut ?? [],
    settings,
    defaults: read.defaults,
    ...(measured === undefined ? {} : { measured: measuredFigures(requests, measured) }),
    ...(metrics === undefined ? {} : { metrics }),
  };
  printResult(options.json === true, report, () => importText(report));
}

/** Sheets and the configuration that stand in files of their own, so that the fleet file needs none of them. */
function partsOf({ model, pools }: Deployment, folder: string): Pick<FleetFile, "devices" | "config"> {
  const devices: Record<string, DeviceSheet> = {};
  for (const device of pools.flatMap(({ device, ffn }) => [device, ffn?.device ?? device]))
    if (isPath(device)) devices[device] = sheetOf(resolve(folder, device));
  const path = resolve(folder, model);
  if (knownArchitecture(model) !== undefined || !existsSync(path)) return { devices };
  return { devices, config: readModelConfig(path) };
}

function importText({ file, source, requests, leftOut, settings, defaults, measured, metrics }: ImportReport): string {
  return [
    `${file}: ${requests} requests (${source})`,
    ...leftOut.map(({ reason, rows }) => `left out: ${rows} rows ${reason}`),
    ...(settings.length === 0 ? [] : [`as the engine reports: ${settings.join(", ")}`]),
    ...(metrics === undefined || metrics.unknown.length === 0 ? [] : [`not taken, as not known: ${metrics.unknown.join(", ")}`]),
    "",
    ...(measured === undefined ? ["The log has no latencies: what-if will have nothing to compare itself with."] : measuredLines(measured)),
    ...(metrics === undefined || metrics.latencies.length === 0 ? [] : metricLines(metrics)),
    "",
    ...defaultLines(defaults),
    `next: heddle what-if ${file} --change pools.0.replicas=2`,
  ].join("\n");
}

function measuredLines({ clock, requests, ttft, tpot, e2e, outputTokensPerSecond }: MeasuredFigures): string[] {
  const row = (name: string, summary: MeasuredFigures["ttft"]): string[] => [
    name,
    ...[summary.mean, summary.p50, summary.p90, summary.p99].map(formatNs),
  ];
  return [
    table(["measured", "mean", "p50", "p90", "p99"], [row("TTFT", ttft), row("TPOT", tpot), row("end to end", e2e)]),
    `${requests} requests measured by the ${clock}${Number.isNaN(outputTokensPerSecond) ? "" : `, ${rate(outputTokensPerSecond)} output tokens/s`}`,
  ];
}

function metricLines({ latencies, preemptions }: EngineMetrics): string[] {
  const range = ([low, high]: readonly [number, number]): string =>
    high === Infinity ? `above ${formatNs(low)}` : `${formatNs(low)} to ${formatNs(high)}`;
  return [
    "",
    table(
      ["the engine's histograms", "requests", "mean", "p50", "p99"],
      latencies.map(({ name, count, meanNs, p50Ns, p99Ns }) => [name, String(count), formatNs(meanNs), range(p50Ns), range(p99Ns)]),
    ),
    ...(preemptions === undefined ? [] : [`${preemptions} preemptions`]),
  ];
}
