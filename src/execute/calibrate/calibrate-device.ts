import { quantile } from "../../base/statistics.ts";
import { WEIGHT_BYTES } from "../../cost/decoder-shape.ts";
import type { DeviceCalibration, GraphFormat } from "../../rack/rack.ts";
import type { OnnxRuntime } from "../drivers/shared/onnx-session.ts";
import { calibrateKernels } from "./calibrate-kernels.ts";
import { attentionQuestions, type ProductQuestion, productQuestions } from "./calibration-shapes.ts";
import type { DeviceCalibrateOptions, DeviceCalibrationJob } from "./device-job.ts";
import { type OperatorBench, operatorBench } from "./operator-bench.ts";
import { type TimedPoint, timeInRounds } from "./rounds.ts";

/** Lengths of the two chains whose difference prices an operator. */
const SHORT_CHAIN = 2;
const LONG_CHAIN = 34;
const CHAIN_RUNS = 5;
const ROUNDS_MAX = 5;
const PRODUCT_SHARE = 0.75;
/** Time for heddle's own kernels, over that of the runtime's operators. */
const KERNEL_SHARE = 0.5;

/**
 * Measures the operator tables of one device: products over formats and shapes, attention over rows and contexts, launch and operator cost, and decode
 * steps in heddle's own kernels where its driver has them.
 *
 * Errors: those of the runtime; the signal's reason when it is aborted.
 */
export async function calibrateDevice(
  runtime: OnnxRuntime,
  job: DeviceCalibrationJob,
  options: DeviceCalibrateOptions,
): Promise<DeviceCalibration> {
  const bench = operatorBench(runtime, job.threads);
  const roundsMax = job.fast ? 2 : ROUNDS_MAX;
  const operatorShare = runtime.kernels === undefined ? 1 : 1 / (1 + KERNEL_SHARE);
  const report = (from: number, to: number) => (share: number, text: string) => options.onProgress?.(from + share * (to - from), text);
  const onAttention = report(0, operatorShare * (1 - PRODUCT_SHARE));
  const onProducts = report(operatorShare * (1 - PRODUCT_SHARE), operatorShare);
  try {
    const attention = await timeInRounds(
      attentionQuestions(job.shapes, job.fast).map((point) => ({ point, measure: () => bench.attention(point) })),
      {
        signal: options.signal,
        budgetMs: job.budgetMs * (1 - PRODUCT_SHARE),
        roundsMax,
        onProgress: (share) => onAttention(share, "attention"),
      },
    );
    const products = await timeInRounds(productPoints(bench, job, runtime.formats), {
      signal: options.signal,
      budgetMs: job.budgetMs * PRODUCT_SHARE,
      roundsMax,
      onProgress: (share) => onProducts(share, "products"),
    });
    const kernels =
      runtime.kernels &&
      (await calibrateKernels(
        runtime.kernels,
        { ...job, budgetMs: job.budgetMs * KERNEL_SHARE },
        { signal: options.signal, onProgress: report(operatorShare, 1) },
      ));
    const table = products.medians
      .map(({ point: { format, m, n, k }, ns }) => ({ format, m, n, k, ns: Math.round(ns) }))
      .sort(inTableOrder);
    return {
      products: [...(kernels?.products ?? []), ...table],
      attention: attention.medians.map(({ point, ns }) => ({ ...point, ns: Math.round(ns) })),
      ...(await launchCosts(bench, job.shapes.width)),
      streamBytesPerSecond: streamRate(table),
      noise: Math.max(products.noise, attention.noise, kernels?.noise ?? 0),
      ...(kernels === undefined ? {} : { kernels: kernels.kernels }),
    };
  } finally {
    await bench.release();
  }
}

type ProductRow = DeviceCalibration["products"][number];

function inTableOrder(a: ProductRow, b: ProductRow): number {
  return a.format.localeCompare(b.format, "en") || a.n - b.n || a.k - b.k || a.m - b.m;
}

/** Quick ones first, shape by shape, so that an early end of the budget costs the largest shapes. */
function productPoints(
  bench: OperatorBench,
  job: DeviceCalibrationJob,
  formats: readonly GraphFormat[],
): readonly TimedPoint<ProductQuestion>[] {
  const work = ({ m, n, k }: ProductQuestion): number => n * k * (m + 16);
  return [...productQuestions(job.shapes, job.fast, formats)]
    .sort((a, b) => work(a) - work(b))
    .map((point) => ({ point, measure: () => bench.product(point) }));
}

/** Cost of a run with nothing in it, and of each further small operator. Units: ns. */
async function launchCosts(bench: OperatorBench, width: number): Promise<Pick<DeviceCalibration, "launchNs" | "operatorNs">> {
  const short: number[] = [];
  const long: number[] = [];
  for (let run = 0; run < CHAIN_RUNS; run++) {
    short.push(await bench.chain(SHORT_CHAIN, width));
    long.push(await bench.chain(LONG_CHAIN, width));
  }
  const operatorNs = Math.max(0, (quantile(long, 0.5) - quantile(short, 0.5)) / (LONG_CHAIN - SHORT_CHAIN));
  return { launchNs: Math.max(0, Math.round(quantile(short, 0.5) - SHORT_CHAIN * operatorNs)), operatorNs: Math.round(operatorNs) };
}

/** Rate of weights through the largest f32 product at one row: caches hold the least of it. Units: bytes/s. */
function streamRate(table: DeviceCalibration["products"]): number {
  const single = table.filter((row) => row.m === 1 && row.format === "f32");
  const largest = single.reduce<(typeof single)[number] | undefined>(
    (best, row) => (best === undefined || row.n * row.k > best.n * best.k ? row : best),
    undefined,
  );
  return largest === undefined ? 1 : Math.round((largest.n * largest.k * WEIGHT_BYTES.f32 * 1e9) / largest.ns);
}
