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

export const ONE_DEVICE: Cut = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };

export function devicesOf({ tensor, pipeline, data, context }: Cut): number {
  return tensor * pipeline * data * context;
}
