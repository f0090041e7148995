import { parquetWriteBuffer } from "hyparquet-writer";
import papaparse from "papaparse";
import { writeWhole } from "../../execute/discover/rack-cache.ts";
import { FIGURE_NAMES, type PointRow } from "../../simulate/sweep/point-row.ts";
import { gridPoint, type Vary } from "../../simulate/sweep/sweep-grid.ts";

/** A column of results; NaN and undefined are empty. */
export interface ResultColumn {
  readonly name: string;
  readonly numeric: boolean;
  readonly values: readonly (number | string | undefined)[];
}

/** Results of a sweep in columns, in order of the points: their number, what was varied, figures, and why a point cannot be. */
export function resultColumns(varies: readonly Vary[], rows: Iterable<PointRow>): ResultColumn[] {
  const sorted = [...rows].sort((a, b) => a.index - b.index);
  const points = sorted.map(({ index }) => gridPoint(varies, index));
  const varied = varies.map(({ path, values }, at): ResultColumn => {
    const numeric = values.every((value) => Number.isFinite(Number(value)));
    const texts = points.map((point) => point[at]!.value);
    return { name: path, numeric, values: numeric ? texts.map(Number) : texts };
  });
  const figures = FIGURE_NAMES.map((name): ResultColumn => {
    return { name, numeric: true, values: sorted.map((row) => filled(row.figures?.[name])) };
  });
  return [
    { name: "point", numeric: true, values: sorted.map(({ index }) => index) },
    ...varied,
    ...figures,
    { name: "error", numeric: false, values: sorted.map(({ error }) => error) },
  ];
}

function filled(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/** Writes results as Parquet or CSV, by the file's ending. */
export function writeResults(path: string, columns: readonly ResultColumn[]): void {
  if (path.endsWith(".csv")) writeWhole(path, csvText(columns));
  else writeWhole(path, parquetBytes(columns));
}

function csvText(columns: readonly ResultColumn[]): string {
  const count = columns[0]!.values.length;
  const data = Array.from({ length: count }, (_none, row) => columns.map(({ values }) => values[row] ?? ""));
  return `${papaparse.unparse({ fields: columns.map(({ name }) => name), data }, { newline: "\n" })}\n`;
}

function parquetBytes(columns: readonly ResultColumn[]): Uint8Array {
  const columnData = columns.map(({ name, numeric, values }) => ({
    name,
    type: numeric ? ("DOUBLE" as const) : ("STRING" as const),
    data: values.map((value) => value ?? null),
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
