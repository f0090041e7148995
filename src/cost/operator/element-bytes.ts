import type { PeakType } from "../../rack/peak-type.ts";

/** Bytes an element takes in memory; 4-bit floats with one 8-bit scale for 16 of them (NVFP4). */
export const ELEMENT_BYTES: Readonly<Record<PeakType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8e4m3: 1,
  f8e5m2: 1,
  f4e2m1: 0.5625,
  i8: 1,
  i4: 0.5,
};
