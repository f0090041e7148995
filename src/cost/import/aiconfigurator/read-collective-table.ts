import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

const KINDS: Readonly<Record<string, CollectiveKind>> = {
  all_reduce: "all-reduce",
  all_gather: "all-gather",
  reduce_scatter: "reduce-scatter",
  alltoall: "all-to-all",
};
const BYTES: Readonly<Record<string, number>> = { half: 2, float16: 2, bfloat16: 2, int8: 1, fp8: 1, float32: 4, float: 4 };

/**
 * `nccl_perf.parquet` and `custom_allreduce_perf.parquet`: collectives of devices of one node. Message sizes count elements, so bytes are theirs times
 * the element's. `variant` is the backend (graph or eager) or kernel source, then the element type.
 *
 * Errors: `measurements-invalid`.
 */
export async function readCollectiveTable(
  bytes: Uint8Array,
  file: string,
  typeColumn: "nccl_dtype" | "allreduce_dtype",
): Promise<MeasuredTable> {
  const numbers = ["num_gpus", "message_size", "latency"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers, texts: [typeColumn, "op_name"], optional: ORIGIN_COLUMNS });
  const ranks = wholeColumn(columns, "num_gpus", 1);
  const elements = wholeColumn(columns, "message_size");
  const { backend, kernel_source: kernel } = columns.optional;
  return tableOf(
    columns,
    (i) => {
      const name = columns.texts.op_name[i]!;
      const type = columns.texts[typeColumn][i]!;
      if (!Object.hasOwn(KINDS, name)) return `collective ${name} is not known`;
      if (!Object.hasOwn(BYTES, type)) return `type ${type} is not known`;
      return { op: "collective", kind: KINDS[name]!, bytes: elements[i]! * BYTES[type]!, ranks: ranks[i]!, ranksPerNode: ranks[i]! };
    },
    (i) => `${backend?.[i] ?? kernel?.[i] ?? ""} ${columns.texts[typeColumn][i]!}`.trim(),
  );
}
