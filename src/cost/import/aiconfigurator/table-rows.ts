import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import type { OperatorQuery } from "../../operator/operator-query.ts";
import type { ParquetColumns } from "../parquet/read-parquet-columns.ts";

/** Text columns that tell device, engine and implementation; tables of NCCL 2.23 have only the last. */
export const ORIGIN_COLUMNS = ["framework", "version", "device", "kernel_source", "backend"] as const;

export const NS_PER_MS = 1_000_000;

/** One row's query, or in words why it has none. */
export type RowQuery = OperatorQuery | string;

/** All rows of one table; rows without a query are counted by reason. Times of 0 or less are kept: the plausibility filter counts them. */
export function tableOf<N extends string, T extends string>(
  columns: ParquetColumns<N | "latency", T, (typeof ORIGIN_COLUMNS)[number], string>,
  queryAt: (index: number) => RowQuery,
  variantAt?: (index: number) => string,
): MeasuredTable {
  const rows: MeasuredOperator[] = [];
  const skipped: Record<string, number> = {};
  const latency = (columns.numbers as Readonly<Record<"latency", Float64Array>>).latency;
  for (let i = 0; i < columns.count; i++) {
    const query = queryAt(i);
    if (typeof query === "string") skipped[query] = (skipped[query] ?? 0) + 1;
    else rows.push({ query, ns: latency[i]! * NS_PER_MS, row: i + 1, ...(variantAt === undefined ? {} : { variant: variantAt(i) }) });
  }
  const { framework, version, device } = columns.optional;
  return {
    file: columns.file,
    device: device?.[0] ?? "",
    engine: [framework?.[0], version?.[0]].filter((part) => part !== undefined).join(" "),
    rows,
    skipped,
  };
}
