import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { ExpertQuery } from "../../operator/operator-query.ts";
import { wholeColumn } from "../measurement-columns.ts";
import { readParquetColumns } from "../parquet/read-parquet-columns.ts";
import { productTypes } from "./element-type.ts";
import { ORIGIN_COLUMNS, tableOf } from "./table-rows.ts";

const SIZES = ["num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size"] as const;
const POWER_LAW = /^power_law_(\d+(?:\.\d+)?)$/;

/** `moe_perf.parquet`: the grouped products of a layer's experts on one device. Errors: `measurements-invalid`. */
export async function readExpertTable(bytes: Uint8Array, file: string): Promise<MeasuredTable> {
  const texts = ["moe_dtype", "distribution"] as const;
  const columns = await readParquetColumns(bytes, { file, numbers: [...SIZES, "latency"], texts, optional: ORIGIN_COLUMNS });
  const [tokens, width, inner, active, experts, tensor, expert] = SIZES.map((name) => wholeColumn(columns, name, 1));
  return tableOf(columns, (i) => {
    const types = productTypes(columns.texts.moe_dtype[i]!);
    if (types === undefined) return `type ${columns.texts.moe_dtype[i]!} is not known`;
    const load = loadOf(columns.texts.distribution[i]!);
    if (load === undefined) return `distribution ${columns.texts.distribution[i]!} is not known`;
    return {
      op: "experts",
      tokens: tokens![i]!,
      width: width![i]!,
      inner: inner![i]!,
      active: active![i]!,
      experts: experts![i]!,
      ranks: { tensor: tensor![i]!, expert: expert![i]! },
      ...types,
      load,
    };
  });
}

function loadOf(name: string): ExpertQuery["load"] | undefined {
  if (name === "balanced") return "balanced";
  const exponent = POWER_LAW.exec(name)?.[1];
  return exponent === undefined ? undefined : { powerLaw: Number(exponent) };
}
