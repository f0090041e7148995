import { NS_PER_S } from "../../base/units.ts";
import type { ComputeFormat, DeviceCalibration, PeakType } from "../../rack/rack.ts";
import type { PeakFigure } from "./grounded.ts";

/** Type in which weights of a format are kept. */
const TYPE_OF: Readonly<Record<ComputeFormat, PeakType>> = { f32: "f32", bf16: "bf16", int4: "i4", "int8-row": "i8" };

/** Rate of the fastest measured product of every format: what the device was seen to reach, not what it could. */
export function measuredPeaks(calibration: DeviceCalibration | undefined): readonly PeakFigure[] {
  const products = calibration?.products ?? [];
  return (Object.keys(TYPE_OF) as ComputeFormat[]).flatMap((format) => {
    const rated = products
      .filter((product) => product.format === format)
      .map(({ m, n, k, ns }) => ({ m, n, k, rate: (2 * m * n * k * NS_PER_S) / ns }));
    const best = rated.reduce<(typeof rated)[number] | undefined>(
      (most, product) => (most === undefined || product.rate > most.rate ? product : most),
      undefined,
    );
    if (best === undefined) return [];
    const source = `fastest of ${rated.length} measured ${format} products: ${best.m} rows x [${best.n}, ${best.k}]`;
    return [{ type: TYPE_OF[format], operationsPerSecond: best.rate, basis: "measured" as const, source }];
  });
}
