import type { TokenGain } from "./token-gain.ts";

/** How an engine forms iterations, as data: the differences between engines are parameters of one scheduler. */
export interface SchedulingRules {
  readonly name: string;
  /** Tokens of one iteration at most. */
  readonly maxBatchedTokens: number;
  /** Sequences that run at once at most. */
  readonly maxSequences: number;
  /** Prompts may be cut over iterations. */
  readonly chunkedPrefill: boolean;
  readonly prefixCaching: boolean;
  /** `mixed`: decodes and prompts share iterations, running requests first. `prefill-first`: an iteration has prompts or decodes, prompts go first. */
  readonly mixing: "mixed" | "prefill-first";
  /** Room a request must find to be admitted: for its first chunk, for its whole text, or for its text and all output it may bring. */
  readonly reserve: "chunk" | "text" | "output";
  /** Who is preempted where blocks are short, among those not yet in the iteration. */
  readonly victim: "newest" | "fewest-outputs";
  /** 1: an iteration is formed while the one before it runs, so arrivals and freed blocks count one iteration later. */
  readonly stepsAhead: 0 | 1;
  /** Blocks the engine keeps for itself. */
  readonly reservedBlocks: number;
  /** When waiting prompts may join sequences that decode; absent: as soon as they have room. */
  readonly gate?: PromptGate;
  /** Tokens a decode step brings; absent: one. Draft tokens count against `maxBatchedTokens` and need room. */
  readonly gain?: TokenGain;
}

/**
 * Settings by which engines hold prompts back from sequences that decode; none of them is an engine's default.
 *
 * - `poll`: the queue is looked at after an iteration with prompts, and else every so many (SGLang's `scheduler_recv_interval`).
 * - `gather`: prompts wait until they and the decodes have so many tokens, or for so many iterations (TensorRT-LLM's
 *   `batch_wait_max_tokens_ratio`, `batch_wait_timeout_iters`).
 * - `ranks`: with data-parallel attention prompts wait until each rank has one, which `waiting` of them are taken to mean, until a rank has nothing
 *   to decode, or for the next of rounds of so many iterations (`attention_dp_config` with `enable_balance`, `timeout_iters`); once each rank has one, they
 *   wait for `batching` iterations more (`batching_wait_iters`).
 *
 * Source: sgl-project/sglang `managers/scheduler_recv_skipper.py`; NVIDIA/TensorRT-LLM 1.1 `_torch/pyexecutor/py_executor.py`.
 */
export type PromptGate =
  | { readonly kind: "poll"; readonly steps: number }
  | { readonly kind: "gather"; readonly tokens: number; readonly steps: number }
  | { readonly kind: "ranks"; readonly ranks: number; readonly waiting: number; readonly steps: number; readonly batching?: number };

export interface RuleLimits {
  readonly maxBatchedTokens: number;
  readonly maxSequences: number;
  readonly chunkedPrefill: boolean;
  readonly prefixCaching: boolean;
}

/**
 * vLLM's scheduler: running requests first, oldest first; on a shortage of blocks the newest is preempted and nobody is admitted in that
 * iteration; then first come, first served. One block is the null block.
 *
 * Source: vllm-project/vllm v0.19 `vllm/v1/core/sched/scheduler.py`, `kv_cache_manager.py`, defaults `scheduler_reserve_full_isl` and
 * `async_scheduling` as in the resolved configuration of the recorded run in casys-kaist/LLMServingSim@5daddb2.
 */
export function vllmRules(limits: RuleLimits): SchedulingRules {
  return { ...limits, name: "vllm", mixing: "mixed", reserve: "text", victim: "newest", stepsAhead: 1, reservedBlocks: 1 };
}

/**
 * SGLang's: prompts in iterations of their own, before decodes; on a shortage those with the fewest output tokens are taken back. Its estimate of
 * output still to come (`new_token_ratio`) is left out: it admits a little earlier here.
 *
 * Source: sgl-project/sglang `python/sglang/srt/managers/scheduler.py`, `schedule_batch.py` (`retract_decode`).
 */
export function sglangRules(limits: RuleLimits): SchedulingRules {
  return {
    ...limits,
    name: "sglang",
    mixing: "prefill-first",
    reserve: "text",
    victim: "fewest-outputs",
    stepsAhead: 1,
    reservedBlocks: 0,
  };
}

/**
 * TensorRT-LLM's in-flight batching with `GUARANTEED_NO_EVICT`, its default: a request is admitted when all its output has room, so nothing
 * is preempted.
 *
 * Source: NVIDIA/TensorRT-LLM, documentation of `CapacitySchedulerPolicy`.
 */
export function trtllmRules(limits: RuleLimits): SchedulingRules {
  return { ...limits, name: "trtllm", mixing: "mixed", reserve: "output", victim: "newest", stepsAhead: 1, reservedBlocks: 0 };
}

/** The rules by which an engine forms iterations; of engines without rules of their own, vLLM's. */
export function rulesOf(engine: "vllm" | "sglang" | "trtllm" | "heddle", limits: RuleLimits): SchedulingRules {
  if (engine === "sglang") return sglangRules(limits);
  if (engine === "trtllm") return trtllmRules(limits);
  return vllmRules(limits);
}
