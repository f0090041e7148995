import { parquetWriteBuffer } from "hyparquet-writer";

/** A Parquet file of rows that all have the same keys: texts, doubles, and whole numbers as INT64 as AIConfigurator writes them. */
export function parquetTable(rows: readonly Readonly<Record<string, number | string>>[]): Uint8Array {
  const names = Object.keys(rows[0] ?? {});
  const columnData = names.map((name) => {
    const values = rows.map((row) => row[name]!);
    if (typeof values[0] === "string") return { name, data: values as string[], type: "STRING" as const };
    if (values.every((value) => Number.isInteger(value)))
      return { name, data: values.map((value) => BigInt(value)), type: "INT64" as const };
    return { name, data: values as number[], type: "DOUBLE" as const };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
