import { HeddleError } from "../../base/heddle-error.ts";
import type { PeakType } from "../peak-type.ts";
import type { DeviceSheet, Figure } from "./device-sheet.ts";

/** A figure that a computation cannot do without. Errors: `figure-missing`, naming device and field. */
export function neededFigure(sheet: DeviceSheet, field: string, figure: Figure | undefined): Figure {
  if (figure !== undefined) return figure;
  throw new HeddleError("figure-missing", { where: sheet.id, detail: `its sheet has no ${field}` });
}

/** Dense peak for a type. Errors: `figure-missing`, with the types the sheet has. */
export function neededPeak(sheet: DeviceSheet, type: PeakType): Figure {
  const figure = sheet.peaks[type];
  if (figure !== undefined) return figure;
  const types = Object.keys(sheet.peaks).join(", ");
  throw new HeddleError("figure-missing", {
    where: sheet.id,
    detail: `its sheet has no peaks.${type}; it has ${types === "" ? "no peak" : types}`,
  });
}
