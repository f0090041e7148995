import type { PeakType } from "../../rack/peak-type.ts";

/** How a replica is cut over its devices: tensor x pipeline x data x context of them; `expert` divides tensor x data. All at least 1. */
export interface Cut {
  readonly tensor: number;
  readonly pipeline: number;
  readonly data: number;
  readonly expert: number;
  readonly context: number;
}

/** Number formats of a replica. */
export interface Formats {
  readonly weights: PeakType;
  /** Of a mixture's experts, where they differ from the other weights. */
  readonly experts?: PeakType;
  readonly kv: PeakType;
  /** 8-bit weights with a scale for each block of 128 x 128 (DeepSeek's FP8). */
  readonly blockScaled?: boolean;
}

/** Bytes an element takes in memory, with the scales of block formats (one byte for 16 values of NVFP4, 32 of MXFP4: the larger). */
export const ELEMENT_BYTES: Readonly<Record<PeakType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8e4m3: 1,
  f8e5m2: 1,
  f4e2m1: 0.5625,
  i8: 1,
  i4: 0.5625,
};

export const ONE_DEVICE: Cut = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };

export function devicesOf({ tensor, pipeline, data, context }: Cut): number {
  return tensor * pipeline * data * context;
}
