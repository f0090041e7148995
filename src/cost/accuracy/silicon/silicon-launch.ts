import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import type { Cut } from "../../iteration/cut.ts";
import { publishedRun } from "./silicon-benchmark.ts";
import type { SiliconEngine, SiliconRow } from "./silicon-row.ts";

/** What a row's engine was launched with beyond what its columns say. */
export interface SiliconLaunch {
  /** Tokens of one iteration of a data-parallel rank at most. */
  readonly batchedTokens: number;
  /** Whether decoding sequences count against them. */
  readonly decodesCount: boolean;
  /** Prompts may be cut over iterations. */
  readonly chunked: boolean;
  /** How prompts are held back; absent: they are not. */
  readonly hold?: SiliconHold;
}

/** As the gates of scheduling rules: every so many iterations; until there are so many tokens or iterations; until each rank has a prompt. */
export type SiliconHold =
  | { readonly kind: "poll"; readonly steps: number }
  | { readonly kind: "gather"; readonly tokens: number; readonly steps: number }
  | { readonly kind: "ranks"; readonly steps: number };

/** Tokens of an iteration where nothing is known: default of the three engines on Hopper. */
const DEFAULT_TOKENS = 8192;
/**
 * SGLang's on devices of at least 160 GiB, by memory alone. Source: sgl-project/sglang `python/sglang/srt/server_args.py`, `chunked_prefill_size` of 0.5.x: 8192
 * below (H100, H200), 16384 from there on (B200).
 */
const LARGE = { bytes: 160 * 1024 * 1024 * 1024, tokens: 16_384 } as const;
/** SGLang limits tokens of prompts alone; TensorRT-LLM cuts prompts only where it is told to (`enable_chunked_prefill`). Source: their option lists. */
const DEFAULTS: Readonly<Record<SiliconEngine, SiliconLaunch>> = {
  sglang: { batchedTokens: DEFAULT_TOKENS, decodesCount: false, chunked: true },
  trtllm: { batchedTokens: DEFAULT_TOKENS, decodesCount: true, chunked: false },
  vllm: { batchedTokens: DEFAULT_TOKENS, decodesCount: true, chunked: true },
};

/**
 * Settings of the engine that served a row.
 *
 * Source: launch scripts of InferenceMAX (SemiAnalysisAI/InferenceX, `benchmarks/*.sh` and `benchmarks/single_node/*.sh`, as of October 2025 to April
 * 2026), which name them by model, format, device, lengths and clients. Of rows that are not from there nothing is known: defaults. Scripts changed
 * under way, and their dates are not known: where two of their states differ, and for the length of text, which they take from their caller, rows
 * decided (`MODEL_LENGTH`, `MORE_TOKENS_SINCE`; limits of 128 and 256 sequences that rows with more clients do not show are left out).
 */
export function siliconLaunch(row: SiliconRow, { tensor, data }: Cut, clients: number): SiliconLaunch {
  if (!publishedRun(row)) return defaultsOf(row);
  if (row.engine === "sglang") return sglangLaunch(row, clients);
  if (row.engine === "trtllm") return trtllmLaunch(row, { tensor, data }, clients);
  return defaultsOf(row);
}

function defaultsOf({ engine, device }: SiliconRow): SiliconLaunch {
  const large = engine === "sglang" && deviceSheet(device).memory.capacityBytes.value >= LARGE.bytes;
  return large ? { ...DEFAULTS.sglang, batchedTokens: LARGE.tokens } : DEFAULTS[engine];
}

/** From then on the script of Qwen3.5 in 8 bits on the B300 has half the tokens of an iteration and looks at the queue every 10 at all loads. */
const QWEN_TUNED_SINCE = "2026-04-17";

function sglangLaunch(row: SiliconRow, clients: number): SiliconLaunch {
  const { model, device, products } = row;
  const base = { decodesCount: false, chunked: true } as const;
  const blackwell = device.startsWith("b");
  const poll = { hold: { kind: "poll", steps: clients >= 16 ? 30 : 10 } } as const;
  if (model === "DeepSeek-V3") {
    if (!blackwell) return { ...base, batchedTokens: 32768 };
    return products === "nvfp4" ? { ...base, batchedTokens: 16384, ...poll } : { ...base, batchedTokens: 32768, ...poll };
  }
  if (model === "GLM-5") return { ...base, batchedTokens: 32768, ...(products === "nvfp4" && { hold: { kind: "poll", steps: 10 } }) };
  if (model === "Qwen3.5-397B-A17B") {
    if (!blackwell) return { ...base, batchedTokens: 16384 };
    const tuned = products !== "nvfp4" && row.measured >= QWEN_TUNED_SINCE;
    return tuned ? { ...base, batchedTokens: 16384, hold: { kind: "poll", steps: 10 } } : { ...base, batchedTokens: 32768, ...poll };
  }
  return defaultsOf(row);
}

/** `max_num_tokens` of Llama is the longest text that the engine serves. Told by 12 rows of 128 clients; with 2048 for short texts the others are alike. */
const MODEL_LENGTH = 10_240;
/** From then on the scripts of DeepSeek have room for so many tokens at least; before, for one prompt beside the decodes. */
const MORE_TOKENS_SINCE = "2026";
/** Tokens of an iteration are rounded up to these. */
const STEP_TOKENS = 64;

function trtllmLaunch(row: SiliconRow, { tensor, data }: Pick<Cut, "tensor" | "data">, clients: number): SiliconLaunch {
  const { model, promptTokens, outputTokens, device, products } = row;
  const base = { decodesCount: true, chunked: false } as const;
  const short = promptTokens === 1024 && outputTokens === 1024;
  if (model === "Llama-3.1-70B") {
    const batchedTokens = MODEL_LENGTH;
    return { ...base, batchedTokens, ...(short && tensor < 8 && { hold: { kind: "gather", tokens: 0.9 * batchedTokens, steps: 20 } }) };
  }
  if (model === "gpt-oss-120b") return { ...base, batchedTokens: 20_000 };
  if (model !== "DeepSeek-V3") return DEFAULTS.trtllm;
  const least = row.measured >= MORE_TOKENS_SINCE ? DEFAULT_TOKENS : 0;
  const batchedTokens = Math.max(least, Math.ceil((promptTokens + clients + STEP_TOKENS) / STEP_TOKENS) * STEP_TOKENS);
  if (data > 1) return { ...base, batchedTokens, hold: { kind: "ranks", steps: 60 } };
  const delayed = short && clients >= 64 && device.startsWith("b") && products !== "nvfp4";
  return { ...base, batchedTokens, ...(delayed && { hold: { kind: "gather", tokens: 0.8 * batchedTokens, steps: 40 } }) };
}
