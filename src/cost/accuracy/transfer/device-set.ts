import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";

/** Measured operators of one device by one engine. */
export interface DeviceSet {
  readonly dataSet: string;
  readonly engine: string;
  readonly sheet: DeviceSheet;
  readonly rows: readonly MeasuredTime[];
}
