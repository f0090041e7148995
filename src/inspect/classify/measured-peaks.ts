import { NS_PER_S } from "../../base/units.ts";
import type { DeviceCalibration, GraphFormat, PeakType } from "../../rack/rack.ts";
import type { PeakFigure } from "./grounded.ts";

type Product = DeviceCalibration["products"][number];

/** Type in which weights of a format are kept. */
const TYPE_OF: Readonly<Record<GraphFormat, PeakType>> = { f32: "f32", bf16: "bf16", int4: "i4", "int8-row": "i8" };

/** Rate of the fastest measured product of every type of weights: what the device was seen to reach, not what it could. */
export function measuredPeaks(calibration: DeviceCalibration | undefined): readonly PeakFigure[] {
  const products = calibration?.products ?? [];
  return [...new Set(Object.values(TYPE_OF))].flatMap((type) => {
    const rated = products
      .filter((product) => typeOf(product) === type)
      .map(({ format, m, n, k, ns }) => ({ format, m, n, k, rate: (2 * m * n * k * NS_PER_S) / ns }));
    const best = rated.reduce<(typeof rated)[number] | undefined>(
      (most, product) => (most === undefined || product.rate > most.rate ? product : most),
      undefined,
    );
    if (best === undefined) return [];
    const { format } = best;
    const count = rated.filter((product) => product.format === format).length;
    const source = `fastest of ${count} measured ${format} products: ${best.m} rows x [${best.n}, ${best.k}]`;
    return [{ type, operationsPerSecond: best.rate, basis: "measured" as const, source }];
  });
}

function typeOf({ format, bits }: Product): PeakType {
  if (format === "block-int8") return bits === 4 ? "i4" : "i8";
  return TYPE_OF[format];
}
