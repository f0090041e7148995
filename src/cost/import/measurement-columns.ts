import { type MeasurementPlace, measurementsInvalid } from "./measurement-error.ts";

/** Columns of a file of measurements, whatever its form: numbers as typed arrays, texts as they stand. All have `count` entries. */
export interface MeasurementColumns<N extends string, T extends string> {
  readonly file: string;
  readonly count: number;
  readonly numbers: Readonly<Record<N, Float64Array>>;
  readonly texts: Readonly<Record<T, readonly string[]>>;
  /** Where an entry stands in the file, for errors. */
  placeOf(index: number, column: string): MeasurementPlace;
}

/** What to read of a file: columns that must be there. */
export interface WantedColumns<N extends string, T extends string> {
  /** Named in errors. */
  readonly file: string;
  readonly numbers: readonly N[];
  readonly texts?: readonly T[];
}

/** A column of whole numbers from `least`. Errors: `measurements-invalid` at the first that is not one. */
export function wholeColumn<N extends string>(columns: MeasurementColumns<N, string>, name: N, least = 0): Float64Array {
  const column = columns.numbers[name];
  for (let i = 0; i < column.length; i++) {
    const value = column[i]!;
    if (!Number.isSafeInteger(value) || value < least) {
      throw measurementsInvalid(columns.placeOf(i, name), `${value} is no size: it must be a whole number from ${least}`);
    }
  }
  return column;
}

/** A column of times above 0, in ns. Errors: `measurements-invalid` at the first that is not one. */
export function timesNs<N extends string>(columns: MeasurementColumns<N, string>, name: N, nsPerUnit: number): Float64Array {
  return columns.numbers[name].map((value, i) => {
    if (!(value > 0)) throw measurementsInvalid(columns.placeOf(i, name), `${value} is no time: it must be above 0`);
    return value * nsPerUnit;
  });
}
