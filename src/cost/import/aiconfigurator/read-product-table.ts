import type { MeasuredTable } from "../../operator/measured-table.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { productTypes } from "./element-type.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

/** `gemm_perf.parquet`: dense products. Errors: `measurements-invalid`. */
export async function readProductTable(bytes: Uint8Array, file: string): Promise<MeasuredTable> {
  const columns = await readParquetColumns(bytes, {
    file,
    numbers: ["m", "n", "k", "latency"],
    texts: ["gemm_dtype"],
    optional: ORIGIN_COLUMNS,
  });
  const m = wholeColumn(columns, "m", 1);
  const n = wholeColumn(columns, "n", 1);
  const k = wholeColumn(columns, "k", 1);
  return tableOf(columns, (i) => {
    const name = columns.texts.gemm_dtype[i]!;
    const types = productTypes(name);
    return types === undefined ? `type ${name} is not known` : { op: "product", m: m[i]!, n: n[i]!, k: k[i]!, ...types };
  });
}
