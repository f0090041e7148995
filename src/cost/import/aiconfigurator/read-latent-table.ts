import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { LatentAttentionQuery } from "../../operator/operator-query.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { elementType, productTypes } from "./element-type.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

type LatentSizes = Pick<LatentAttentionQuery, "width" | "queryRank" | "kvRank" | "plainDim" | "rotatedDim" | "valueDim">;

/** Sizes of latent attention by the model names of the tables. Source: config.json of deepseek-ai/DeepSeek-V3. */
const MODELS: Readonly<Record<string, LatentSizes>> = {
  "deepseek-ai/DeepSeek-V3": { width: 7168, queryRank: 1536, kvRank: 512, plainDim: 128, rotatedDim: 64, valueDim: 128 },
};

/** `mla_context_module_perf.parquet` (prefill) and `mla_generation_module_perf.parquet` (decode). Errors: `measurements-invalid`. */
export async function readLatentTable(bytes: Uint8Array, file: string, phase: "prefill" | "decode"): Promise<MeasuredTable> {
  const numbers = ["num_heads", "batch_size", "isl", "tp_size", "step", "latency"] as const;
  const texts = ["model", "mla_dtype", "kv_cache_dtype", "gemm_type"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers, texts, optional: ORIGIN_COLUMNS });
  const heads = wholeColumn(columns, "num_heads", 1);
  const batch = wholeColumn(columns, "batch_size", 1);
  const tokens = wholeColumn(columns, "isl", 1);
  const ranks = wholeColumn(columns, "tp_size", 1);
  const step = wholeColumn(columns, "step");
  return tableOf(columns, (i) => {
    const model = columns.texts.model[i]!;
    if (!Object.hasOwn(MODELS, model)) return `the sizes of ${model} are not known`;
    const types = productTypes(columns.texts.gemm_type[i]!);
    const attentionType = elementType(columns.texts.mla_dtype[i]!);
    const kvType = elementType(columns.texts.kv_cache_dtype[i]!);
    if (types === undefined || types.weightType !== undefined || attentionType === undefined || kvType === undefined)
      return "a type is not known";
    if (ranks[i] !== 1) return "heads are split over devices";
    if (phase === "decode" && tokens[i] !== 1) return "decode of more than one token";
    return {
      op: "latent-attention",
      phase,
      batch: batch[i]!,
      tokens: tokens[i]!,
      context: phase === "prefill" ? step[i]! : step[i]! + 1,
      heads: heads[i]!,
      ...MODELS[model]!,
      ...types,
      attentionType,
      kvType,
    };
  });
}
