import type { DataType } from "../../graph/ir/graph.ts";
import type { PeakFigure } from "./grounded.ts";

/**
 * Types that hold every value of a type, nearest first: a device without units for the type widens what it has read and computes there. Weights still
 * lie and travel in the narrow type.
 *
 * Source: significand and exponent bits of the formats (IEEE 754-2019; OCP 8-bit floating point, 2023; OCP microscaling formats, 2023): integers of 8
 * bits, signed or not, fit in the 8 significant bits of bf16 and the 11 of f16. Of bf16 and f16 neither holds the other.
 */
const WIDER: Readonly<Partial<Record<DataType, readonly DataType[]>>> = {
  f4e2m1: ["f8e4m3", "f16", "bf16", "f32", "f64"],
  f8e4m3: ["f16", "bf16", "f32", "f64"],
  f8e5m2: ["f16", "bf16", "f32", "f64"],
  i4: ["i8", "f16", "bf16", "f32", "f64"],
  i8: ["f16", "bf16", "f32", "f64"],
  u4: ["i8", "f16", "bf16", "f32", "f64"],
  u8: ["f16", "bf16", "f32", "f64"],
  f16: ["f32", "f64"],
  bf16: ["f32", "f64"],
  f32: ["f64"],
};

/** The peak a model's products run at, and the type it is of; undefined where the device has none for the type or a wider one. */
export function peakFor(peaks: readonly PeakFigure[], type: DataType): PeakFigure | undefined {
  for (const candidate of [type, ...(WIDER[type] ?? [])]) {
    const peak = peaks.find((known) => known.type === candidate);
    if (peak !== undefined) return peak;
  }
  return undefined;
}
