import type { MeasuredTable } from "../../operator/measured-table.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import { readAttentionTable } from "./read-attention-table.ts";
import { readCollectiveTable } from "./read-collective-table.ts";
import { readExpertTable } from "./read-expert-table.ts";
import { readLatentTable } from "./read-latent-table.ts";
import { readProductTable } from "./read-product-table.ts";
import { readSparseTable } from "./read-sparse-table.ts";

type Reader = (bytes: Uint8Array, file: string) => Promise<MeasuredTable>;

/** Readers by the name a table has in AIConfigurator's tree `<system>/<op>/<engine>/<version>/<table>.parquet`. */
const READERS: Readonly<Record<string, Reader>> = {
  gemm_perf: readProductTable,
  context_attention_perf: (bytes, file) => readAttentionTable(bytes, file, "prefill"),
  generation_attention_perf: (bytes, file) => readAttentionTable(bytes, file, "decode"),
  mla_context_module_perf: (bytes, file) => readLatentTable(bytes, file, "prefill"),
  mla_generation_module_perf: (bytes, file) => readLatentTable(bytes, file, "decode"),
  dsa_context_module_perf: (bytes, file) => readSparseTable(bytes, file, "prefill"),
  dsa_generation_module_perf: (bytes, file) => readSparseTable(bytes, file, "decode"),
  moe_perf: readExpertTable,
  nccl_perf: (bytes, file) => readCollectiveTable(bytes, file, "nccl_dtype"),
  custom_allreduce_perf: (bytes, file) => readCollectiveTable(bytes, file, "allreduce_dtype"),
};

/** Names of the tables that `readOperatorTable` reads, without `.parquet`. */
export const OPERATOR_TABLES: readonly string[] = Object.keys(READERS);

/** System folder, engine and version of a path in AIConfigurator's tree; undefined where it is not laid out so. */
export function pathOrigin(file: string): { readonly system: string; readonly engine: string; readonly version: string } | undefined {
  const match = /([^/]+)\/(?:[^/]+)\/([^/]+)\/([^/]+)\/[^/]+\.parquet$/.exec(file) ?? undefined;
  return match === undefined ? undefined : { system: match[1]!, engine: match[2]!, version: match[3]! };
}

/**
 * One of AIConfigurator's operator tables; `file` is its path, whose last part tells the table.
 *
 * Errors: `measurements-invalid` with column and row. Source: ai-dynamo/aiconfigurator, layout and units at 095f58a.
 */
export async function readOperatorTable(bytes: Uint8Array, file: string): Promise<MeasuredTable> {
  const name = /([^/\\]+)\.parquet$/.exec(file)?.[1] ?? "";
  if (!Object.hasOwn(READERS, name)) {
    throw measurementsInvalid({ file }, `the name must be one of ${OPERATOR_TABLES.join(", ")} with .parquet`);
  }
  return READERS[name]!(bytes, file);
}
