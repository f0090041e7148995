import type { ErrorCode } from "../../../base/error-codes.ts";
import type { Device } from "../../../rack/rack.ts";
import type { DeviceDescription, DeviceTelemetry } from "../../device/device-driver.ts";
import type { SpeedFigures } from "../checks/speed-check.ts";
import type { CheckName, Finding } from "../finding.ts";
import type { Validation } from "../validation.ts";

/** A device that is to be opened, and how much of its memory may be used. Units: bytes. */
export interface OpenedRow {
  readonly device: Device;
  readonly memoryBytes: number;
  /** Module whose export `driver` opens it, as a URL; a driver of heddle where absent. */
  readonly module?: string;
}

/** What a process is told to validate: plain data. */
export interface ValidationOrder {
  readonly device: OpenedRow;
  readonly reference: OpenedRow;
  readonly names: { readonly device: string; readonly reference: string };
  readonly figures: SpeedFigures;
  readonly model?: ModelOrder;
}

/** A file to validate with: an ONNX model at sizes, or a decoder with a text. */
export interface ModelOrder {
  readonly path: string;
  readonly sizes: Readonly<Record<string, number>>;
  readonly text: string;
}

/** What the process tells while it works, in order. */
export type ValidationEvent =
  | {
      readonly type: "opened";
      readonly description: DeviceDescription;
      readonly referenceDescription: DeviceDescription;
      readonly telemetry: DeviceTelemetry;
    }
  | { readonly type: "check"; readonly check: CheckName }
  | { readonly type: "found"; readonly findings: readonly Finding[]; readonly telemetry: DeviceTelemetry }
  /** A call of a device begins; `what` says which, undefined that it ended. */
  | { readonly type: "call"; readonly what: string | undefined }
  | { readonly type: "done"; readonly validation: Validation }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly where?: string; readonly detail?: string };
