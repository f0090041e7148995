import { createKvMeter } from "./metrics/kv-meter.ts";
import { createRequestRecorder } from "./metrics/record-watcher.ts";
import type { RequestRecord } from "./metrics/request-record.ts";
import { type RunMetrics, runMetrics } from "./metrics/run-metrics.ts";
import type { RunInput } from "./run/run-input.ts";
import { virtualRun } from "./run/virtual-run.ts";
import type { RunWatcher } from "./run/watcher.ts";

/** One run with what it gave: per request, and in all. */
export interface SimulatedRun {
  readonly records: readonly RequestRecord[];
  readonly metrics: RunMetrics;
  /** Message of the assertion that ended it, where one did. */
  readonly failure?: string;
}

/** Runs and measures. */
export function simulatedRun(input: RunInput): SimulatedRun {
  const recorder = createRequestRecorder();
  const kv = createKvMeter(input);
  const watcher: RunWatcher = { fleetStepped: recorder.observe };
  const outcome = virtualRun({ ...input, watchers: [...(input.watchers ?? []), watcher, kv.watcher] });
  const { unfinished, deviceBusyNs, failure } = outcome;
  const metrics = runMetrics({ records: recorder.records, unfinished, kvUse: kv.use, deviceBusyNs });
  return { records: recorder.records, metrics, ...(failure === undefined ? {} : { failure }) };
}
