import { mean, quantile } from "../../base/statistics.ts";
import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { LayerTables } from "../../cost/import/llmservingsim/layer-tables.ts";
import { layerTableCost } from "../../cost/iteration/layer-tables/layer-table-cost.ts";
import { runServing } from "../serving/run-serving.ts";
import type { ServingOutcome } from "../serving/serving-input.ts";
import type { RecordedServing } from "./recorded-serving.ts";

/**
 * Host time between iterations that devices do not hide, the same for every recorded run. 0: an engine that schedules one iteration ahead and
 * replays recorded graphs prepares the next batch while the device works.
 *
 * Source: `async_scheduling` and `cudagraph_mode` in the resolved configuration of the run; nothing is fitted.
 */
export const ENGINE_OVERHEAD_NS = 0;

export interface RecordedRunOptions {
  /** Layers of the model. */
  readonly layers: number;
  readonly dataSet: string;
  /** `validation/summary.txt` of LLMServingSim: its own prediction of the same run. */
  readonly published?: string;
}

const PROTOCOL = "layer tables and engine settings in, no figure of the run fitted";
const SAMPLE_NS = 1e9;

/** How well a run in virtual time, from layer tables alone, meets a recorded one: per request, as the statistics people quote, and by gauges. */
export function recordedRunAccuracy(recorded: RecordedServing, tables: LayerTables, options: RecordedRunOptions): AccuracyRow[] {
  const simulated = simulateRecorded(recorded, tables, options);
  const measured = requestTimes(recorded, recorded.queuedNs, recorded);
  const predicted = requestTimes(recorded, simulated.queuedNs, simulated);
  const row = rowMaker(recorded, options);
  const rows: AccuracyRow[] = [];
  for (const name of ["ttft", "tpot", "e2e"] as const) {
    const pairs = measured[name].map((value, i) => predicted[name][i]! / value - 1);
    rows.push(row(`${name} of a request`, pairs));
    rows.push(row(`${name} mean`, [mean(predicted[name]) / mean(measured[name]) - 1]));
    rows.push(row(`${name} p99`, [quantile(predicted[name], 0.99) / quantile(measured[name], 0.99) - 1]));
  }
  return [...rows, ...gaugeRows(recorded, simulated, row)];
}

/** The recorded requests on one replica with the recorded settings. */
export function simulateRecorded(recorded: RecordedServing, tables: LayerTables, { layers, dataSet }: RecordedRunOptions): ServingOutcome {
  const { engine, requests } = recorded;
  const cost = layerTableCost(tables, { layers, source: dataSet, paddedSizes: engine.graphSizes });
  const replica = { pool: 0, role: "both" as const, cost, ...engine, overheadNs: ENGINE_OVERHEAD_NS, startUpNs: 0 };
  return runServing({ requests, replicas: [replica], routing: "round-robin", seed: 1, stepping: "leap", sampleNs: SAMPLE_NS });
}

interface RequestTimes {
  readonly ttft: readonly number[];
  readonly tpot: readonly number[];
  readonly e2e: readonly number[];
}

function requestTimes(
  { requests }: RecordedServing,
  queuedNs: Float64Array,
  { firstTokenNs, lastTokenNs }: Pick<ServingOutcome, "firstTokenNs" | "lastTokenNs">,
): RequestTimes {
  const several = [...requests.outputTokens.keys()].filter((i) => requests.outputTokens[i]! > 1);
  return {
    ttft: Array.from(firstTokenNs, (ns, i) => ns - queuedNs[i]!),
    tpot: several.map((i) => (lastTokenNs[i]! - firstTokenNs[i]!) / (requests.outputTokens[i]! - 1)),
    e2e: Array.from(lastTokenNs, (ns, i) => ns - queuedNs[i]!),
  };
}

type RowMaker = (family: string, signed: readonly number[]) => AccuracyRow;

function rowMaker({ engine }: RecordedServing, { dataSet, published }: RecordedRunOptions): RowMaker {
  return (family, signed) => {
    const absolute = signed.map(Math.abs);
    const theirs = published === undefined ? undefined : publishedError(published, family);
    return {
      dataSet,
      protocol: PROTOCOL,
      family,
      device: engine.device,
      engine: engine.version,
      points: signed.length,
      excluded: {},
      meanError: mean(absolute),
      medianError: quantile(absolute, 0.5),
      p90: quantile(absolute, 0.9),
      signedMean: mean(signed),
      ...(theirs === undefined ? {} : { published: theirs }),
    };
  };
}

/** Gauges once a second while the recorded run lasts, as differences over the peak of what was measured. */
function gaugeRows({ gauges, requests }: RecordedServing, { samples }: ServingOutcome, row: RowMaker): AccuracyRow[] {
  if (samples === undefined || gauges.length === 0 || requests.count === 0) return [];
  const at = (values: readonly number[], gauge: { readonly atNs: number }): number => values[Math.round(gauge.atNs / SAMPLE_NS) - 1] ?? 0;
  const series = (name: "running" | "waiting" | "kvUsed"): number[] => {
    const peak = Math.max(...gauges.map((gauge) => gauge[name]));
    return gauges.map((gauge) => (at(samples[name], gauge) - gauge[name]) / Math.max(peak, Number.MIN_VALUE));
  };
  return [
    row("running requests, of peak", series("running")),
    row("waiting requests, of peak", series("waiting")),
    row("KV use, of peak", series("kvUsed")),
  ];
}

/** Reads `TTFT Mean   65456.6   65820.2   +0.6%`. */
function publishedError(summary: string, family: string): string | undefined {
  const [metric, statistic] = family.split(" ");
  const title = `${metric === "e2e" ? "latency" : metric} ${statistic}`;
  for (const line of summary.split("\n")) {
    const [first, second, , , error] = line.trim().split(/\s+/);
    if (`${first} ${second}`.toLowerCase() === title && error !== undefined) return `${error} LLMServingSim@5daddb2 validation/summary.txt`;
  }
  return undefined;
}
