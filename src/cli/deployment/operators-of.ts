import { changedOperators } from "../../cost/operator/changed-operators.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { tileModel } from "../../cost/operator/tile/tile-model.ts";
import { measuredOperators } from "../../execute/calibrate/kit/operator-store.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { OperatorSource } from "./operator-source.ts";

/** Operators of a device as it is (`before`) or with figures changed (`after`); undefined: its sheet's with the constants of its family. */
export type OperatorsOf = (before: DeviceSheet, after: DeviceSheet) => OperatorModel | undefined;

/**
 * Where a what-if, a sweep or a search takes prices of operators from. Measured ones are read once a device and follow changed figures by physics; tiles
 * are those of the figures as changed.
 */
export function operatorsFrom(source: OperatorSource): OperatorsOf {
  const measured = new Map<DeviceSheet, OperatorModel | undefined>();
  return (before, after) => {
    if (source === "sheet") return undefined;
    if (source === "tile") return tileModel(after);
    if (!measured.has(before)) measured.set(before, measuredOperators(before));
    const found = measured.get(before);
    return found === undefined || before === after ? found : changedOperators(found, before, after);
  };
}
