import { dirname, resolve } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import type { MeasuredAt } from "../cost/iteration/engines/front-time.ts";
import { knownArchitecture } from "../graph/architecture/known/known-architecture.ts";
import type { Objective } from "../simulate/deployment/objective.ts";
import { readNetwork } from "../simulate/fabric/read-fabric.ts";
import type { PointRow } from "../simulate/sweep/point-row.ts";
import { gridPoint, gridSize, type Vary } from "../simulate/sweep/sweep-grid.ts";
import { sweepPoint } from "../simulate/sweep/sweep-point.ts";
import { parseAdapters } from "../simulate/workload/generate/adapter-draw.ts";
import { architectureNamed, readDeploymentFile, readModelConfig } from "./deployment/open-deployment.ts";
import { openWorkload } from "./deployment/open-workload.ts";
import type { OperatorSource } from "./deployment/operator-source.ts";
import { note, printResult, table } from "./output.ts";
import { sheetOf } from "./rack-catalog.ts";
import { parseTextFile } from "./read-file.ts";
import { withShareProgress } from "./share-progress.ts";
import { type SweepRun, sweepHere, sweepOverNats } from "./sweep/coordinate.ts";
import { openJournal } from "./sweep/journal.ts";
import { sweepWorker } from "./sweep/nats-worker.ts";
import { measuredSources } from "./sweep/price-points.ts";
import { type SweepJob, sweepFingerprint, workloadSum } from "./sweep/sweep-job.ts";
import type { ResultColumn } from "./sweep/write-results.ts";

interface SweepFlags {
  readonly vary: readonly Vary[];
  readonly workload?: string;
  readonly lengths?: string;
  readonly tokenizer?: string;
  readonly adapters?: string;
  readonly images?: string;
  readonly slo?: Objective;
  readonly seed: number;
  readonly measureAt?: MeasuredAt;
  readonly operators?: OperatorSource;
  readonly out: string;
  readonly journal?: string;
  readonly threads: number;
  readonly nats?: string;
  readonly worker?: boolean;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Columns that are printed after the varied ones, and rows. */
const SHOWN: readonly string[] = [
  "good_share",
  "ttft_ms_p90",
  "front_ms_mean",
  "tpot_ms_p90",
  "output_tokens_per_s",
  "dollars_per_million_output_tokens",
  "error",
];
const ROWS_SHOWN = 20;

async function workerOf(path: string | undefined, flags: SweepFlags): Promise<void> {
  const { nats, vary, workload } = flags;
  if (nats === undefined) throw usage("--worker", "needs --nats: where is the queue?");
  if (path !== undefined || vary.length > 0 || workload !== undefined) throw usage("--worker", "takes its sweeps from the queue");
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    await sweepWorker({ url: nats, threads: flags.threads, once: flags.once === true, signal: controller.signal });
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** `heddle sweep`: the grid here, or a worker of grids elsewhere. */
export async function sweep(path: string | undefined, flags: SweepFlags): Promise<void> {
  if (flags.worker === true) return workerOf(path, flags);
  if (path === undefined) throw usage("deployment", "is missing");
  if (flags.once === true) throw usage("--once", "goes with --worker");
  if (flags.workload === undefined) throw usage("--workload", "is missing: what is to be served?");
  if (!/\.(parquet|csv)$/.test(flags.out)) throw usage(`--out ${flags.out}`, ".parquet or .csv is meant");
  if (flags.vary.length === 0) throw usage("--vary", "is missing; `heddle simulate` runs one point");
  const points = gridSize(flags.vary);
  const { job, fingerprint } = sweepJob(path, { ...flags, workload: flags.workload });
  checkPaths(job, points);
  const journal = openJournal(flags.journal ?? `${flags.out}.journal`, fingerprint);
  try {
    const known = journal.rows.size;
    if (known > 0) note(`${known} of ${points} points are in ${journal.path}`);
    await withShareProgress("sweeping", async ({ signal, onProgress }) => {
      const onRow = (): void => onProgress(journal.rows.size / points, `${journal.rows.size} of ${points} points`);
      const run: SweepRun = { job, fingerprint, points, journal, signal, onRow };
      await (flags.nats === undefined ? sweepHere(run, flags.threads) : sweepOverNats(run, flags.nats));
      if (signal.aborted && journal.rows.size < points) {
        const detail = `${journal.rows.size} of ${points} points are in ${journal.path}; the same command goes on`;
        throw new HeddleError("interrupted", { detail });
      }
    });
    const { resultColumns, writeResults } = await import("./sweep/write-results.ts");
    const columns = resultColumns(flags.vary, journal.rows.values());
    writeResults(flags.out, columns);
    note(`wrote ${flags.out}`);
    // Before the result: with --json a failure is the one document.
    sayFailures(flags.out, [...journal.rows.values()]);
    printResult(flags.json === true, { points, out: flags.out, columns }, () => sweepText(columns));
  } finally {
    journal.close();
  }
}

/** Points that could not be simulated are rows; a sweep of nothing else has failed. Errors: `sweep-empty`. */
function sayFailures(out: string, rows: readonly PointRow[]): void {
  const failed = rows.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return;
  if (failed.length < rows.length) {
    note(`${failed.length} of ${rows.length} points could not be simulated; their rows say why`);
    return;
  }
  const first = failed.reduce((least, row) => (row.index < least.index ? row : least));
  throw new HeddleError("sweep-empty", {
    detail: `all ${rows.length} points failed, point ${first.index}: ${first.error}; the rows are in ${out}`,
  });
}

function sweepJob(
  path: string,
  flags: SweepFlags & { readonly workload: string },
): { readonly job: SweepJob; readonly fingerprint: string } {
  const folder = dirname(path);
  const { deployment, defaults } = readDeploymentFile(path);
  const sheet = (device: string): ReturnType<typeof sheetOf> => sheetOf(/\.ya?ml$/i.test(device) ? resolve(folder, device) : device);
  const config = knownArchitecture(deployment.model) === undefined ? modelConfig(deployment.model, folder) : undefined;
  const { lengths, tokenizer, adapters, images, slo, seed } = flags;
  const workload = {
    named: flags.workload,
    ...(lengths === undefined ? {} : { lengths }),
    ...(tokenizer === undefined ? {} : { tokenizer }),
    ...(adapters === undefined ? {} : { adapters }),
    ...(images === undefined ? {} : { images }),
  };
  const sheets = Object.fromEntries(deployment.pools.map(({ device }) => [device, sheet(device)]));
  const job: SweepJob = {
    deployment,
    filled: defaults.map(({ field }) => field),
    sheets,
    operators: flags.operators ?? "measured",
    measured: measuredSources(sheets),
    ...(config === undefined ? {} : { config }),
    ...(deployment.fabric === undefined ? {} : { fabric: readFabricText(resolve(folder, deployment.fabric)) }),
    varies: flags.vary,
    workload,
    workloadSum: workloadSum(openWorkload(flags.workload, workload).requests),
    ...(slo === undefined ? {} : { objective: slo }),
    measureAt: flags.measureAt ?? "default",
    seed,
  };
  return { job, fingerprint: sweepFingerprint(job) };
}

/** Text of a fabric file, once it is known to be one. Errors: `file-unreadable`, `fabric-invalid`. */
function readFabricText(path: string): string {
  return parseTextFile(path, (text) => {
    readNetwork(text);
    return text;
  });
}

/** A model's `config.json`, once it is known to be one. Errors: those of `architectureNamed`. */
function modelConfig(model: string, folder: string): Readonly<Record<string, unknown>> {
  architectureNamed(model, folder);
  return readModelConfig(resolve(folder, model));
}

/** Paths that lead nowhere are refused before anything runs; a value that cannot be is a row with its error. */
function checkPaths(job: SweepJob, points: number): void {
  const base = {
    deployment: job.deployment,
    sheetOf: (device: string) => job.sheets[device] ?? sheetOf(device),
    seed: job.seed,
    tiles: job.operators === "tile",
    ...(job.workload.adapters === undefined ? {} : { adapters: parseAdapters(job.workload.adapters) }),
  };
  for (const index of new Set([0, points - 1])) {
    try {
      sweepPoint(base, gridPoint(job.varies, index));
    } catch (thrown) {
      if (thrown instanceof HeddleError && thrown.code !== "usage") continue;
      throw thrown;
    }
  }
}

function sweepText(columns: readonly ResultColumn[]): string {
  const shown = columns.filter(
    ({ name }, at) => (at > 0 && at <= columns.findIndex((column) => column.name === "requests_finished") - 1) || SHOWN.includes(name),
  );
  const used = shown.filter(({ values }) => values.some((value) => value !== undefined));
  const count = columns[0]!.values.length;
  const rows = Array.from({ length: Math.min(count, ROWS_SHOWN) }, (_none, row) => used.map(({ values }) => cell(values[row])));
  const more = count > ROWS_SHOWN ? `\n… ${count - ROWS_SHOWN} more in the results` : "";
  return `${table(
    used.map(({ name }) => name),
    rows,
  )}${more}`;
}

function cell(value: number | string | undefined): string {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : (value ?? "");
}

function usage(where: string, detail: string): HeddleError {
  return new HeddleError("usage", { where, detail });
}
