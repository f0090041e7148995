import type { StageCalibration } from "../../cost/stage-calibration.ts";
import type { DeviceCalibration } from "../../rack/rack.ts";
import type { StageCalibrationJob } from "./calibrate-stage.ts";
import type { DeviceCalibrationJob } from "./device-job.ts";
import type { PaceJob } from "./pace.ts";

/** Work for a calibration process; each runs in a process of its own, so that a driver's failure or settings touch nothing else. */
export type CalibrationJob =
  | ({ readonly kind: "device"; readonly driver: string } & DeviceCalibrationJob)
  | ({ readonly kind: "stage"; readonly driver: string; readonly modelPath: string; readonly budgetMs: number } & StageCalibrationJob)
  | ({ readonly kind: "pace"; readonly driver: string } & PaceJob);

/** What a job of each kind gives. */
export interface CalibrationResults {
  readonly device: DeviceCalibration;
  readonly stage: StageCalibration;
  readonly pace: { readonly nsPerRun: number };
}

/** From a calibration process: progress, and one outcome. */
export type CalibrationMessage =
  | { readonly type: "progress"; readonly share: number; readonly text: string }
  | { readonly type: "result"; readonly result: CalibrationResults[keyof CalibrationResults] }
  | { readonly type: "failed"; readonly code: string; readonly detail: string };
