import type { ErrorCode } from "../../base/error-codes.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { deploymentRuns } from "../../simulate/deployment/deployment-ensemble.ts";
import { measuredAtOf } from "../../simulate/deployment/front-times.ts";
import { deviceCount } from "../../simulate/deployment/run-figures.ts";
import type { RequestColumns } from "../../simulate/serving/serving-input.ts";
import { type PointRow, pointFigures } from "../../simulate/sweep/point-row.ts";
import { gridPoint } from "../../simulate/sweep/sweep-grid.ts";
import { sweepPoint } from "../../simulate/sweep/sweep-point.ts";
import { withImageTokens } from "../../simulate/workload/columns/image-columns.ts";
import { scaleColumns } from "../../simulate/workload/columns/scale-columns.ts";
import { drawAdapters, parseAdapters } from "../../simulate/workload/generate/adapter-draw.ts";
import { sheetIn } from "../deployment/open-deployment.ts";
import { openWorkload } from "../deployment/open-workload.ts";
import { sheetOf } from "../rack-catalog.ts";
import { poolPricer } from "./price-points.ts";
import { type SweepJob, workloadSum } from "./sweep-job.ts";

/** Errors that are an answer: such a point cannot be, and the others can. */
const ANSWERS: readonly ErrorCode[] = [
  "deployment-invalid",
  "cut-invalid",
  "no-basis",
  "does-not-fit",
  "device-unknown",
  "model-not-found",
  "workload-invalid",
  "input-invalid",
];
/** Scaled workloads that are kept; neighbours in a grid share one. */
const KEPT_WORKLOADS = 4;

/**
 * Runs points of a sweep in this process, each once without error of the prices.
 *
 * Errors: `workload-invalid` where the workload is not the one the sweep was begun with; `usage` of paths that lead nowhere.
 */
export function pointRunner(job: SweepJob): (index: number) => PointRow {
  const { requests } = openWorkload(job.workload.named, job.workload);
  if (workloadSum(requests) !== job.workloadSum) {
    throw new HeddleError("workload-invalid", {
      where: job.workload.named,
      detail: "it is another workload than the one the sweep was begun with",
    });
  }
  const scaled = new Map<string, RequestColumns>();
  const sheet = (device: string): DeviceSheet => job.sheets[device] ?? sheetOf(device);
  const before = { filled: job.filled, find: (device: string) => job.sheets[device] ?? sheetIn(".")(device) };
  const pools = poolPricer(job, sheet);
  const adapters = job.workload.adapters === undefined ? {} : { adapters: parseAdapters(job.workload.adapters) };
  return (index) => {
    const point = sweepPoint(
      { deployment: job.deployment, before, sheetOf: sheet, seed: job.seed, tiles: job.operators === "tile", ...adapters },
      gridPoint(job.varies, index),
    );
    const key = JSON.stringify([point.scale, point.adapters]);
    const drawn = (): RequestColumns => (point.adapters === undefined ? requests : drawAdapters(requests, point.adapters));
    const columns = scaled.get(key) ?? scaleColumns(drawn(), point.scale);
    if (!scaled.has(key) && scaled.size >= KEPT_WORKLOADS) scaled.delete(scaled.keys().next().value!);
    scaled.set(key, columns);
    const priced = pools(point);
    const run = { deployment: point.deployment, ...priced, requests: withImageTokens(columns, priced.architecture) };
    const [result] = deploymentRuns(run, {
      runs: 1,
      seed: point.seed,
      measuredAt: measuredAtOf(point.deployment.pools, job.measureAt === "default" ? undefined : job.measureAt),
      ...(job.objective === undefined ? {} : { objective: job.objective }),
    });
    return { index, figures: pointFigures(result!.figures, deviceCount(run)) };
  };
}

/** A point that may be impossible: then its row says why. Errors: those that no other point would be without. */
export function answeredPoint(run: (index: number) => PointRow, index: number): PointRow {
  try {
    return run(index);
  } catch (thrown) {
    const error = toHeddleError(thrown);
    if (!ANSWERS.includes(error.code)) throw error;
    return { index, error: `${error.message} [${error.code}]` };
  }
}
