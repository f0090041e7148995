import { must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { quantile } from "../../base/statistics.ts";
import type { DeviceCalibration } from "../../rack/rack.ts";
import type { DecodeKernels } from "../drivers/shared/decode-kernels.ts";
import { type KernelStepQuestion, kernelProductQuestions, kernelStepQuestions } from "./calibration-shapes.ts";
import type { DeviceCalibrateOptions, DeviceCalibrationJob } from "./device-job.ts";
import { type KernelStepBench, kernelProductBench, kernelStepBench } from "./kernel-bench.ts";
import { kernelTable } from "./kernel-table.ts";
import { type RoundResult, timeInRounds } from "./rounds.ts";

/** What the kernels of a device add to its tables. */
export interface KernelTables {
  readonly products: DeviceCalibration["products"];
  readonly kernels: NonNullable<DeviceCalibration["kernels"]>;
  readonly noise: number;
}

const ROUNDS_MAX = 5;
const PRODUCT_SHARE = 0.6;
/** Layers of the stage whose steps are timed. */
const LAYERS = 3;
const LAUNCH_RUNS = 5;

/**
 * Measures decode steps in heddle's own kernels: products over shapes and bits, steps of stages of few layers over sequences and contexts; attention is
 * what the products leave of a layer. Or says why there are none: the machine's reason, or that of the shapes.
 *
 * Errors: those of the kernels; the signal's reason when it is aborted.
 */
export async function calibrateKernels(
  given: DecodeKernels,
  job: DeviceCalibrationJob,
  options: DeviceCalibrateOptions,
): Promise<KernelTables> {
  const refused = given.refusal();
  if (refused !== undefined) return { products: [], kernels: { refused }, noise: 0 };
  let bench: KernelStepBench | undefined;
  try {
    const products = await timeProducts(given, job, options);
    bench = await kernelStepBench(given, { ...job, layers: [1, LAYERS] });
    const steps = await timeSteps(bench, job, options);
    const stepNs = await timeLaunch(bench, must(steps.medians[0], "a step was timed").point);
    const kernels = kernelTable(job.shapes, products.table, { layers: LAYERS, steps: steps.medians, stepNs });
    return { products: products.table, kernels, noise: Math.max(products.noise, steps.noise) };
  } catch (thrown) {
    if (!(thrown instanceof HeddleError) || thrown.code !== "plan-invalid") throw thrown;
    return { products: [], kernels: { refused: thrown.detail ?? thrown.message }, noise: 0 };
  } finally {
    await bench?.release();
  }
}

/** One shape after another: each has as many weights as caches cannot hold. */
async function timeProducts(
  kernels: DecodeKernels,
  { threads, shapes, fast, budgetMs }: DeviceCalibrationJob,
  { signal, onProgress }: DeviceCalibrateOptions,
): Promise<{ readonly table: DeviceCalibration["products"]; readonly noise: number }> {
  const questions = kernelProductQuestions(shapes, fast, kernels.promptRows);
  const share = PRODUCT_SHARE / questions.length;
  const table: DeviceCalibration["products"][number][] = [];
  const noises: number[] = [];
  for (const [index, { n, k, bits, rows }] of questions.entries()) {
    const bench = await kernelProductBench(kernels, { n, k, bits, threads, maxRows: Math.max(...rows) });
    try {
      const points = rows.map((m) => ({ point: m, measure: () => bench.product(m) }));
      const roundsMax = fast ? 2 : ROUNDS_MAX;
      const { medians, noise } = await timeInRounds(points, { signal, budgetMs: budgetMs * share, roundsMax });
      table.push(
        ...medians.map(({ point, ns }) => ({ format: "block-int8" as const, bits, m: point, n, k, ns: Math.max(1, Math.round(ns)) })),
      );
      noises.push(noise);
    } finally {
      await bench.release();
    }
    onProgress?.((index + 1) * share, "products of decode kernels");
  }
  return {
    table: table.sort((a, b) => (a.bits ?? 0) - (b.bits ?? 0) || a.n - b.n || a.k - b.k || a.m - b.m),
    noise: quantile(noises, 0.5),
  };
}

function timeSteps(
  bench: KernelStepBench,
  { shapes, fast, budgetMs }: DeviceCalibrationJob,
  { signal, onProgress }: DeviceCalibrateOptions,
): Promise<RoundResult<KernelStepQuestion>> {
  const points = kernelStepQuestions(shapes, fast).map((point) => ({ point, measure: () => bench.step(LAYERS, point) }));
  return timeInRounds(points, {
    signal,
    budgetMs: budgetMs * (1 - PRODUCT_SHARE),
    roundsMax: fast ? 2 : ROUNDS_MAX,
    onProgress: (share) => onProgress?.(PRODUCT_SHARE + share * (1 - PRODUCT_SHARE), "steps of decode kernels"),
  });
}

/** Cost of a step with no layers: what a row alone, with nothing cached, takes of one layer less a layer's share of several. Units: ns. */
async function timeLaunch(bench: KernelStepBench, alone: KernelStepQuestion): Promise<number> {
  const one: number[] = [];
  const several: number[] = [];
  for (let run = 0; run < LAUNCH_RUNS; run++) {
    one.push(await bench.step(1, alone));
    several.push(await bench.step(LAYERS, alone));
  }
  return Math.max(0, (LAYERS * quantile(one, 0.5) - quantile(several, 0.5)) / (LAYERS - 1));
}
