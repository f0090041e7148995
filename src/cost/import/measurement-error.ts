import { HeddleError } from "../../base/heddle-error.ts";

/** Where in a file of measurements something is wrong. */
export interface MeasurementPlace {
  readonly file: string;
  /** Counted from 1; the header is line 1. For Parquet the row, counted from 1. */
  readonly line?: number;
  readonly column?: string;
}

/** `measurements-invalid` with the file, line and column it is about. */
export function measurementsInvalid(place: MeasurementPlace, detail: string, cause?: unknown): HeddleError {
  const line = place.line === undefined ? "" : `, line ${place.line}`;
  const column = place.column === undefined ? "" : `, column ${place.column}`;
  return new HeddleError("measurements-invalid", {
    where: `${place.file}${line}${column}`,
    detail,
    ...(cause === undefined ? {} : { cause }),
  });
}
