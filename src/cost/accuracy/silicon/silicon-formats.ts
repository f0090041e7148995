import type { PeakType } from "../../../rack/peak-type.ts";
import type { Formats } from "../../iteration/cut.ts";
import type { SiliconRow } from "./silicon-row.ts";

const TYPES: Readonly<Record<string, PeakType>> = { fp8: "f8e4m3", fp8_block: "f8e4m3", nvfp4: "f4e2m1", bf16: "bf16", float16: "bf16" };
/** Models whose published 4-bit checkpoints leave all but the experts in 16 bits. Source: their hf_quant_config.json and model cards. */
const EXPERTS_ONLY = new Set(["gpt-oss-120b", "DeepSeek-V3", "Kimi-K2", "GLM-5", "Qwen3.5-397B-A17B"]);
/** Models whose published 8-bit checkpoints have a scale a block of 128 x 128. */
const BLOCK_SCALED = new Set(["DeepSeek-V3", "Kimi-K2", "GLM-5", "Qwen3.5-397B-A17B"]);

/** Formats of a row, and whether the row itself names them; undefined where it names one that is not known. */
export function siliconFormats(row: SiliconRow): { readonly formats: Formats; readonly stated: boolean } | undefined {
  if (row.products === "") return { formats: { weights: "bf16", kv: "bf16" }, stated: false };
  const weights = TYPES[row.products];
  const experts = TYPES[row.experts === "" ? row.products : row.experts];
  if (weights === undefined || experts === undefined) return undefined;
  // Engines keep KV in 8 bits beside quantised weights; SGLang on Hopper by default does not.
  const kv: PeakType = row.engine !== "sglang" || row.device.includes("b") ? "f8e4m3" : "bf16";
  if (weights === "f4e2m1" && EXPERTS_ONLY.has(row.model)) return { formats: { weights: "bf16", experts, kv }, stated: true };
  const blockScaled = row.products === "fp8_block" || row.experts === "fp8_block" || (weights === "f8e4m3" && BLOCK_SCALED.has(row.model));
  return { formats: { weights, experts, kv, ...(blockScaled && { blockScaled }) }, stated: true };
}
