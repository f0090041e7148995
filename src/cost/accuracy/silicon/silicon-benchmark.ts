import type { SiliconRow } from "./silicon-row.ts";

/** How a row was measured: what its benchmark does besides what the columns say. */
export interface SiliconBenchmark {
  /** Lengths are drawn evenly between this share of the stated ones and them. */
  readonly leastShare: number;
  /** Whether nothing warmed an engine that compiles kernels when it first uses them. */
  readonly cold: boolean;
  /** Tokens of a prompt as the engine counts them. */
  readonly promptTokens: number;
}

/**
 * From this day on runs of InferenceMAX begin with two waves of requests that are not counted; before, with a single one. Source: pull request 480 of
 * SemiAnalysisAI/InferenceX of 2026-01-17, which was to be merged ten days after.
 */
const WARMED_SINCE = "2026-01-27";
/** Models whose kernels engines compiled at first use then: DeepGEMM's products in 8 bits, FlashInfer's attention and experts. */
const COMPILED = new Set(["DeepSeek-V3", "Kimi-K2"]);

/**
 * Longest such wait. Source: first use of FlashInfer's kernels takes about 120 s on one H100 with nothing cached (vllm-project/vllm issue 47456); some
 * 60 s for a new size of DeepGEMM's products (sgl-project/sglang issue 5031). Units: ns.
 */
export const COMPILE_MOST_NS = 120e9;

/**
 * Whether the first wave of prompts waits for kernels to be compiled.
 *
 * Model: SGLang's prompts of DeepSeek attend to a prefix that is already cached by other kernels than to themselves (sgl-project/sglang pull request 9132:
 * FlashInfer's CUTLASS kernels; compiled at first use on Blackwell: llm-d/llm-d issue 410), so it waits where all prompts together exceed one iteration and one
 * of them is cut. Other engines: at any first wave.
 */
export function firstWaveCompiles(row: SiliconRow, { batchedTokens }: { readonly batchedTokens: number }, clients: number): boolean {
  const { cold, leastShare, promptTokens } = siliconBenchmark(row);
  return cold && (row.engine !== "sglang" || (clients * promptTokens * (1 + leastShare)) / 2 > batchedTokens);
}

/** Share for rows whose benchmark has fixed lengths: what clients and front ends do between requests pulls those apart that began together. */
const FIXED_LENGTHS_SHARE = 0.9;

/**
 * Dumps of InferenceMAX runs draw lengths between 0.8 of the stated ones and them; of the other rows nothing is said.
 * Source: README of InferenceMAX, "Benchmark Client Configuration": RANDOM_RANGE_RATIO 0.8, 10 requests a client.
 */
export function siliconBenchmark(row: SiliconRow): SiliconBenchmark {
  const published = publishedRun(row);
  return {
    leastShare: published ? 0.8 : FIXED_LENGTHS_SHARE,
    cold: published && row.measured < WARMED_SINCE && COMPILED.has(row.model),
    promptTokens: published && splitAnew(row) ? Math.round(row.promptTokens * SPLIT_ANEW) : row.promptTokens,
  };
}

/**
 * Tokens of a random prompt of DeepSeek as SGLang counts them over those its benchmark asked for, where the two split text unlike.
 *
 * Source: pull request 937 of SemiAnalysisAI/InferenceX: transformers 5 replaces the splitter of DeepSeek's tokenizer in the benchmark's client, SGLang puts its own
 * back, and a prompt of 7,140 tokens has 35,921 there (100 have 531); its images have transformers 5 from 0.5.10 on. Pull request 1381 of 2026-05-15: until then
 * the mending was passed over where a model was named by its repository; pull request 1502 ran DeepSeek on the B200 and B300 anew for that.
 */
const SPLIT_ANEW = 35_921 / 7140;
const SPLIT_ANEW_IMAGE = /^0\.5\.10/;
const SPLIT_ALIKE_SINCE = "2026-05-15";

function splitAnew({ engine, model, version, measured }: SiliconRow): boolean {
  return engine === "sglang" && model === "DeepSeek-V3" && SPLIT_ANEW_IMAGE.test(version) && measured < SPLIT_ALIKE_SINCE;
}

/** Whether a row is from a dump of InferenceMAX runs, whose launch scripts are public. */
export function publishedRun(row: SiliconRow): boolean {
  return /^(2026-|db-dump)/.test(row.source);
}
