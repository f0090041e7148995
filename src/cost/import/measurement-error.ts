import { HeddleError } from "../../base/heddle-error.ts";

/** Where in a file of measurements something is wrong. */
export interface MeasurementPlace {
  readonly file: string;
  /** Of a text, counted from 1; its header is line 1. */
  readonly line?: number;
  /** Of a Parquet file, counted from 1. */
  readonly row?: number;
  readonly column?: string;
}

/** `measurements-invalid` with the file, line or row, and column it is about. */
export function measurementsInvalid(place: MeasurementPlace, detail: string, cause?: unknown): HeddleError {
  let where = place.file;
  if (place.line !== undefined) where += `, line ${place.line}`;
  if (place.row !== undefined) where += `, row ${place.row}`;
  if (place.column !== undefined) where += `, column ${place.column}`;
  return new HeddleError("measurements-invalid", { where, detail, ...(cause === undefined ? {} : { cause }) });
}
