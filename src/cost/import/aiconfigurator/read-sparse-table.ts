import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { SparseAttentionQuery } from "../../operator/operator-query.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { elementType, productTypes } from "./element-type.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

type SparseSizes = Pick<
  SparseAttentionQuery,
  "width" | "queryRank" | "kvRank" | "plainDim" | "rotatedDim" | "valueDim" | "chosen" | "indexHeads" | "indexDim"
>;

const DEEPSEEK: SparseSizes = {
  width: 7168,
  queryRank: 1536,
  kvRank: 512,
  plainDim: 128,
  rotatedDim: 64,
  valueDim: 128,
  chosen: 2048,
  indexHeads: 64,
  indexDim: 128,
};
const GLM: SparseSizes = { ...DEEPSEEK, width: 6144, queryRank: 2048, plainDim: 192, valueDim: 256, indexHeads: 32 };

/** Sizes by the model names of the tables. Source: their config.json on the Hugging Face Hub. */
const MODELS: readonly (readonly [RegExp, SparseSizes])[] = [
  [/^deepseek-ai\/DeepSeek-V3\.2(-Exp)?$/, DEEPSEEK],
  [/^(zai-org|nvidia)\/GLM-5(\.\d)?(-FP8|-NVFP4)?$/, GLM],
];
/** Operators without scores of their own, in models whose layers share choices. */
const SHARED = /_skip_indexer$/;

/**
 * `dsa_context_module_perf.parquet` (prefill) and `dsa_generation_module_perf.parquet` (decode): blocks of attention to tokens an indexer chooses. Heads are
 * those of the device; the variant is the kernel. Errors: `measurements-invalid`.
 */
export async function readSparseTable(bytes: Uint8Array, file: string, phase: "prefill" | "decode"): Promise<MeasuredTable> {
  const numbers = ["num_heads", "batch_size", "isl", "step", "latency"] as const;
  const texts = ["model", "op_name", "kv_cache_dtype", "gemm_type", "kernel_source"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers, texts, optional: ORIGIN_COLUMNS });
  const heads = wholeColumn(columns, "num_heads", 1);
  const batch = wholeColumn(columns, "batch_size", 1);
  const tokens = wholeColumn(columns, "isl", 1);
  const step = wholeColumn(columns, "step");
  const { model, op_name: names, kv_cache_dtype: kvTypes, gemm_type: types, kernel_source: kernels } = columns.texts;
  return tableOf(
    columns,
    (i) => {
      const sizes = MODELS.find(([pattern]) => pattern.test(model[i]!))?.[1];
      if (sizes === undefined) return `the sizes of ${model[i]} are not known`;
      const product = productTypes(types[i]!);
      const kvType = elementType(kvTypes[i]!);
      if (product === undefined || product.weightType !== undefined || kvType === undefined) return "a type is not known";
      if (phase === "decode" && tokens[i] !== 1) return "decode of more than one token";
      return {
        op: "sparse-attention",
        phase,
        batch: batch[i]!,
        tokens: tokens[i]!,
        context: phase === "prefill" ? step[i]! : step[i]! + 1,
        heads: heads[i]!,
        ...sizes,
        ...(SHARED.test(names[i]!) && { indexHeads: 0 }),
        ...product,
        kvType,
      };
    },
    (i) => kernels[i]!,
  );
}
