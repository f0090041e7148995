import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { ConstantSlot } from "../../operator/physics/constant-slot.ts";
import type { MeasuredTime } from "../../operator/physics/fit/fit-constants.ts";
import type { RowFault } from "../../operator/plausible-rows.ts";

/** Measured operators of one device by one engine. */
export interface DeviceSet {
  readonly dataSet: string;
  readonly engine: string;
  readonly sheet: DeviceSheet;
  readonly rows: readonly MeasuredTime[];
  /** Rows of a kind that were left out because the device cannot have produced them, by reason. */
  readonly impossible?: Readonly<Partial<Record<ConstantSlot, Readonly<Partial<Record<RowFault, number>>>>>>;
  /** Kinds of operators whose rows are known to be faulty: they are scored apart, and nothing is fitted on them. */
  readonly faulty?: readonly ConstantSlot[];
}
