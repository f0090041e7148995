import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import type { OperatorQuery } from "../../operator/operator-query.ts";
import { csvHeader, readCsvColumns } from "../csv/numeric-csv.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { measurementsInvalid } from "../measurement-error.ts";

const NS_PER_MS = 1_000_000;

/**
 * `all_reduce.csv` and `send_recv.csv` of Vidur: medians in milliseconds, sizes in bytes. `devices_per_node` says how many ranks are in one server; a
 * transfer with one a node crosses the network.
 *
 * Errors: `measurements-invalid` with line and column. Source: microsoft/vidur, `data/profiling/network`, at 7d47513.
 */
export function readNetworkProfile(
  text: string,
  file: string,
  origin: { readonly device: string; readonly engine: string },
): MeasuredTable {
  const kind = ["all_reduce", "send_recv"].find((name) => csvHeader(text, file).includes(`time_stats.${name}.median`));
  if (kind === undefined) {
    throw measurementsInvalid({ file, line: 1 }, "has no column time_stats.all_reduce.median or time_stats.send_recv.median");
  }
  const median = `time_stats.${kind}.median` as const;
  const columns = readCsvColumns(text, { file, numbers: ["num_workers", "size", "devices_per_node", median] });
  const ranks = wholeColumn(columns, "num_workers", 1);
  const bytes = wholeColumn(columns, "size");
  const perNode = wholeColumn(columns, "devices_per_node", 1);
  const rows: MeasuredOperator[] = [];
  for (let i = 0; i < columns.count; i++) {
    const ranksPerNode = Math.min(ranks[i]!, perNode[i]!);
    const query: OperatorQuery =
      kind === "all_reduce"
        ? { op: "collective", kind: "all-reduce", bytes: bytes[i]!, ranks: ranks[i]!, ranksPerNode }
        : { op: "point-to-point", bytes: bytes[i]!, sameNode: ranksPerNode > 1 };
    rows.push({ query, ns: columns.numbers[median]![i]! * NS_PER_MS, row: columns.placeOf(i, median).line ?? 0 });
  }
  return { file, ...origin, rows, skipped: {} };
}
