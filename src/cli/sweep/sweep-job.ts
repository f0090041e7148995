import { createHash } from "node:crypto";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import type { RequestColumns } from "../../simulate/serving/serving-input.ts";
import type { Vary } from "../../simulate/sweep/sweep-grid.ts";
import type { OperatorSource } from "../deployment/operator-source.ts";

/** All that a worker needs to run points of a sweep: plain data, for threads and for the queue between hosts. */
export interface SweepJob {
  readonly deployment: Deployment;
  /** Fields that its file left out. */
  readonly filled: readonly string[];
  /** Sheets of the deployment's devices, so that every host has the same. */
  readonly sheets: Readonly<Record<string, DeviceSheet>>;
  readonly operators: OperatorSource;
  /** By what each device is priced where it is imported; a host that has other tables refuses. */
  readonly measured: Readonly<Record<string, string>>;
  /** The model's `config.json`, where the deployment names a file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Text of the deployment's fabric file. */
  readonly fabric?: string;
  readonly varies: readonly Vary[];
  readonly workload: WorkloadName;
  /** Of the workload's columns: a worker that reads another workload refuses. */
  readonly workloadSum: string;
  readonly objective?: Objective;
  /** Where times are taken; `default`: by the engine of each point. */
  readonly measureAt: MeasuredAt | "default";
  readonly seed: number;
}

/** A generator or a file, as the command line names it. */
export interface WorkloadName {
  readonly named: string;
  readonly lengths?: string;
  readonly tokenizer?: string;
  readonly adapters?: string;
  readonly images?: string;
}

/** Checksum of a workload's columns. */
export function workloadSum({
  count,
  arrivalNs,
  promptTokens,
  outputTokens,
  blockStart,
  blockIds,
  after,
  thinkNs,
  adapter,
  adapterRanks,
  images,
}: RequestColumns): string {
  const hash = createHash("sha256").update(String(count));
  const seen = images === undefined ? [] : [images.start, images.width, images.height, images.content];
  for (const column of [arrivalNs, promptTokens, outputTokens, blockStart, blockIds, after, thinkNs, adapter, adapterRanks, ...seen]) {
    if (column !== undefined) hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  return hash.digest("hex");
}

/** What tells a sweep from every other: equal jobs have equal points. */
export function sweepFingerprint({ workload: _workload, ...job }: SweepJob): string {
  return createHash("sha256").update(JSON.stringify(job)).digest("hex");
}
