import type { MeasuredTable } from "../../operator/measured-table.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { elementType } from "./element-type.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

const SIZES = ["batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim", "step"] as const;

/**
 * `context_attention_perf.parquet` (prefill: `isl` new tokens after `step`) and `generation_attention_perf.parquet` (decode: `isl` = 1, the context
 * with the new token is `isl` + `step`). Tables of vLLM 0.14 have no window column: all their rows see the whole context.
 *
 * Errors: `measurements-invalid`.
 */
export async function readAttentionTable(bytes: Uint8Array, file: string, phase: "prefill" | "decode"): Promise<MeasuredTable> {
  const texts = ["attn_dtype", "kv_cache_dtype"] as const;
  const columns = await readParquetColumns(bytes, {
    file,
    numbers: [...SIZES, "latency"],
    texts,
    optional: ORIGIN_COLUMNS,
    optionalNumbers: ["window_size"],
  });
  const [batch, tokens, heads, kvHeads, headDim] = SIZES.slice(0, 5).map((name) => wholeColumn(columns, name, 1));
  const step = wholeColumn(columns, "step");
  const windows = columns.optionalNumbers.window_size;
  return tableOf(columns, (i) => {
    const type = elementType(columns.texts.attn_dtype[i]!);
    const kvType = elementType(columns.texts.kv_cache_dtype[i]!);
    if (type === undefined || kvType === undefined)
      return `type ${columns.texts.attn_dtype[i]!} or ${columns.texts.kv_cache_dtype[i]!} is not known`;
    const window = windows?.[i] ?? 0;
    if (!Number.isSafeInteger(window) || window < 0) throw measurementsInvalid(columns.placeOf(i, "window_size"), `${window} is no window`);
    const shape = { batch: batch![i]!, heads: heads![i]!, kvHeads: kvHeads![i]!, headDim: headDim![i]!, window, kvType };
    if (phase === "prefill") return { op: "prefill-attention", ...shape, tokens: tokens![i]!, context: step[i]!, type };
    if (tokens![i] !== 1) return "decode of more than one token";
    return { op: "decode-attention", ...shape, context: step[i]! + 1 };
  });
}
