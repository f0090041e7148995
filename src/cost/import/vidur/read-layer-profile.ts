import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import type { ProductQuery } from "../../operator/operator-query.ts";
import { csvHeader, readCsvColumns } from "../csv/numeric-csv.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { measurementsInvalid } from "../measurement-error.ts";

const NS_PER_MS = 1_000_000;
const SIZES = ["n_head", "n_kv_head", "n_embd", "n_expanded_embd", "num_tokens", "num_tensor_parallel_workers"] as const;
const TIMED = /^time_stats\.(.+)\.median$/;

/** One operator of a layer at one number of tokens: the median of its repetitions. */
export interface LayerOperatorTime {
  /** Vidur's name, such as `mlp_up_proj` or `attn_rope`. */
  readonly operator: string;
  readonly tokens: number;
  readonly tensorRanks: number;
  readonly ns: number;
  /** Line in the file. */
  readonly line: number;
}

/** A layer's profile, and the products in it as operators; times of 0 (below the clock's microsecond) are kept for the plausibility filter to count. */
export interface LayerProfile {
  readonly times: readonly LayerOperatorTime[];
  readonly products: MeasuredTable;
}

/**
 * `mlp.csv` of Vidur: `time_stats.<operator>.median` in milliseconds by tokens and tensor-parallel degree, measured on one device with sharded sizes, in 16-bit
 * floats. The model's sizes in the file make `attn_pre_proj`, `attn_post_proj`, `mlp_up_proj` and `mlp_down_proj` products.
 *
 * Errors: `measurements-invalid` with line and column. Source: microsoft/vidur, `data/profiling/compute`, at 7d47513.
 */
export function readLayerProfile(text: string, file: string, origin: { readonly device: string; readonly engine: string }): LayerProfile {
  const operators = csvHeader(text, file).flatMap((name) => TIMED.exec(name)?.[1] ?? []);
  if (operators.length === 0) throw measurementsInvalid({ file, line: 1 }, "has no column time_stats.<operator>.median");
  const medians = operators.map((operator) => `time_stats.${operator}.median`);
  const columns = readCsvColumns(text, { file, numbers: [...SIZES, ...medians], texts: ["use_gated_mlp"] });
  const sizes = SIZES.map((name) => wholeColumn(columns, name, 1));
  const times: LayerOperatorTime[] = [];
  const rows: MeasuredOperator[] = [];
  for (let i = 0; i < columns.count; i++) {
    const [heads, kvHeads, width, inner, tokens, ranks] = sizes.map((column) => column[i]!);
    const line = columns.placeOf(i, "").line ?? 0;
    const shape = {
      heads: heads!,
      kvHeads: kvHeads!,
      width: width!,
      inner: inner!,
      ranks: ranks!,
      gated: columns.texts.use_gated_mlp[i] === "True",
    };
    operators.forEach((operator, j) => {
      const ns = columns.numbers[medians[j]!]![i]! * NS_PER_MS;
      times.push({ operator, tokens: tokens!, tensorRanks: ranks!, ns, line });
      const product = productOf(operator, tokens!, shape);
      if (product !== undefined) rows.push({ query: product, ns, row: line });
    });
  }
  return { times, products: { file, ...origin, rows, skipped: {} } };
}

interface LayerShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly width: number;
  readonly inner: number;
  readonly ranks: number;
  readonly gated: boolean;
}

function productOf(operator: string, m: number, { heads, kvHeads, width, inner, ranks, gated }: LayerShape): ProductQuery | undefined {
  const headDim = width / heads;
  const product = (n: number, k: number): ProductQuery | undefined =>
    Number.isInteger(n) && Number.isInteger(k) ? { op: "product", m, n, k, type: "f16" } : undefined;
  switch (operator) {
    case "attn_pre_proj":
      // Heads of keys and values are copied where there are fewer than devices.
      return product((heads / ranks + 2 * Math.max(1, kvHeads / ranks)) * headDim, width);
    case "attn_post_proj":
      return product(width, width / ranks);
    case "mlp_up_proj":
      return product(((gated ? 2 : 1) * inner) / ranks, width);
    case "mlp_down_proj":
      return product(width, inner / ranks);
    default:
      return undefined;
  }
}
