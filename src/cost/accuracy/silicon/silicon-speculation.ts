import { siliconCut } from "./silicon-faults.ts";
import type { SiliconRow } from "./silicon-row.ts";

/**
 * What entries of the benchmark say of drafting several tokens (multi-token prediction), which the file has no column for: that it was on; that an entry with
 * it and one without name the configuration; nothing.
 */
export type SiliconSpeculation = "on" | "either" | "not said";

/** Image that no entry has but those that draft. Source: pull requests 632 and 642 of SemiAnalysisAI/InferenceX; those without stay at 1.2.0rc6.post2. */
const DRAFTING_IMAGE = "1.2.0rc6.post3";
/** From then on there are two entries of DeepSeek in 8 bits on the B200 in SGLang. Source: pull request 626. */
const DEEPSEEK_DRAFTS_SINCE = "2026-02";
/** Tensor groups of 8 that the entry without has: clients up to these, by whether prompts are long. Source: `nvidia-master.yaml` of March 2026. */
const DEEPSEEK_CLIENTS = { short: 64, long: 4 } as const;
const LONG_PROMPT = 8192;
/** Until then Qwen3.5 in 8 bits runs whole experts on tensor groups of 4 where it drafts, and nowhere else. Source: pull requests 898, 918, 1048. */
const QWEN_PLAIN_SINCE = "2026-04-17";

/** Whether the entry a row was launched from drafts. Rows of other sources, and disaggregated ones, whose recipes are entries each, say nothing here. */
export function siliconSpeculation(row: SiliconRow): SiliconSpeculation {
  const cut = row.mode === "agg" && row.whole !== undefined ? siliconCut(row, row.whole) : undefined;
  if (cut === undefined || "impossible" in cut) return "not said";
  const { tensor, expert, data } = cut.cut;
  if (row.engine === "trtllm") return row.model === "DeepSeek-V3" && row.version === DRAFTING_IMAGE ? "on" : "not said";
  const eight = row.engine === "sglang" && row.products === "fp8" && data === 1 && expert === 1;
  if (!eight || !/^b[23]00/.test(row.device)) return "not said";
  if (row.model === "Qwen3.5-397B-A17B") return tensor === 4 && row.measured < QWEN_PLAIN_SINCE ? "on" : "not said";
  if (row.model !== "DeepSeek-V3" || row.device !== "b200-sxm" || tensor !== 8 || row.measured < DEEPSEEK_DRAFTS_SINCE) return "not said";
  const most = row.promptTokens >= LONG_PROMPT ? DEEPSEEK_CLIENTS.long : DEEPSEEK_CLIENTS.short;
  return row.clients !== undefined && row.clients > most ? "on" : "either";
}
