import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { ConstantSlot } from "../../operator/physics/constant-slot.ts";
import type { MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";

/** Measured operators of one device by one engine. */
export interface DeviceSet {
  readonly dataSet: string;
  readonly engine: string;
  readonly sheet: DeviceSheet;
  readonly rows: readonly MeasuredTime[];
  /** Rows of a kind that were left out because the device's peak does not allow them. */
  readonly impossible?: Readonly<Partial<Record<ConstantSlot, number>>>;
  /** Kinds of operators whose rows are known to be faulty: they are scored, and nothing is fitted on them. */
  readonly faulty?: readonly ConstantSlot[];
}
