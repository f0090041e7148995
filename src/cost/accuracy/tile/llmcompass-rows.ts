import { measurementsInvalid } from "../../import/measurement-error.ts";

/** A measured operator of LLMCompass: its sizes and its time. Units: ns. */
export interface MeasuredRow {
  readonly sizes: readonly number[];
  readonly ns: number;
}

const NS_PER_MS = 1e6;

/** Rows `m, n, k, 0.19ms, 101Tflops`. Errors: `measurements-invalid` with the line. */
export function readMatmulRows(text: string, file: string): readonly MeasuredRow[] {
  return linesOf(text).map((line, i) => {
    const fields = line.split(",").map((field) => field.trim());
    const latency = /^([\d.e+-]+)ms$/.exec(fields[3] ?? "");
    if (fields.length !== 5 || latency === null) throw measurementsInvalid({ file, line: i + 1 }, "must be m, n, k, time in ms, rate");
    return { sizes: fields.slice(0, 3).map((field) => size(field, file, i)), ns: size(latency[1]!, file, i) * NS_PER_MS };
  });
}

/** Rows `rows, columns, 1e9 elements a second`, or `elements, 1e9 elements a second`. Errors: `measurements-invalid` with the line. */
export function readRateRows(text: string, file: string): readonly MeasuredRow[] {
  return linesOf(text).map((line, i) => {
    const fields = line.split(",").map((field) => size(field.trim(), file, i));
    if (fields.length < 2 || fields.length > 3) throw measurementsInvalid({ file, line: i + 1 }, "must be one or two sizes and a rate");
    const sizes = fields.slice(0, -1);
    return { sizes, ns: sizes.reduce((product, side) => product * side, 1) / fields.at(-1)! };
  });
}

/** Times in seconds, one a line. Errors: `measurements-invalid` with the line. */
export function readSecondsRows(text: string, file: string): readonly number[] {
  return linesOf(text).map((line, i) => size(line, file, i) * 1e9);
}

function linesOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function size(field: string, file: string, index: number): number {
  const value = Number(field);
  if (!(value > 0 && Number.isFinite(value))) throw measurementsInvalid({ file, line: index + 1 }, `"${field}" is not a number above 0`);
  return value;
}
