import type { ShapeSource } from "./calibration-shapes.ts";

/** What of a device is measured. */
export interface DeviceCalibrationJob {
  readonly threads: number;
  readonly shapes: ShapeSource;
  /** Fewer shapes and rounds, for tests and impatient people. */
  readonly fast: boolean;
  /** Units: ms. */
  readonly budgetMs: number;
}

export interface DeviceCalibrateOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number, text: string) => void;
}
