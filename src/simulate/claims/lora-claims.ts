import type { PublishedClaim } from "./published-claims.ts";

const PUNICA = "Chen et al. 2023, arXiv:2310.18547 (Punica), abstract";
const SWITCHING = "sgl-project/sglang pull request 13349, description (2025-11-15)";

/**
 * Published figures of adapters (LoRA), with tolerances that were fixed before the code that computes them.
 *
 * Lengths of the two runs of SGLang: its load generator draws prompts evenly up to 4,096 tokens and answers up to 2,048. The rank of their adapters is not
 * published; 16 is taken.
 */
export const LORA_CLAIMS: readonly PublishedClaim[] = [
  {
    id: "lora-llama3-parameters",
    statement: "Llama-3.1-8B, adapters of rank 16 on all seven products of a layer: parameters of an adapter",
    value: 41_943_040,
    unit: "parameters",
    tolerance: 0,
    source: "parameters that PEFT and Unsloth print for this model: 8,072,204,288 with the adapter, 8,030,261,248 without",
  },
  {
    id: "lora-llama2-parameters",
    statement: "Llama-2-7B, adapters of rank 8 on queries and values: parameters of an adapter",
    value: 4_194_304,
    unit: "parameters",
    tolerance: 0,
    source: "parameters that PEFT prints for this model: 6,742,609,920 with the adapter, 6,738,415,616 without",
  },
  {
    id: "punica-added-latency",
    statement: "Llama-2-7B on A100, rank 16 on all seven products, 32 sequences of 32 adapters: time that adapters add to a decode step",
    value: 2,
    unit: "ms",
    tolerance: 0.5,
    source: PUNICA,
  },
  {
    id: "vllm-four-adapters",
    statement:
      "Llama-2-7B on A100, vLLM, rank 8, 256 sequences of mean context 400: time of a decode step with 4 adapters over that with 1 (published: 7.60 over 7.61 requests/s)",
    value: 0.999,
    unit: "ratio",
    tolerance: 0.05,
    source: "vllm-project/vllm pull request 11267, description (2024-12-17)",
  },
  {
    id: "sglang-slots-enough",
    statement: "Llama-3.1-8B on 2 H100 (tensor 2), SGLang, 8 adapters in 8 slots, 100 requests at 4 a second: median TTFT",
    value: 39.65,
    unit: "ms",
    tolerance: 0.5,
    source: SWITCHING,
  },
  {
    id: "sglang-slots-short",
    statement: "Llama-3.1-8B on 2 H100 (tensor 2), SGLang, 16 adapters in 8 slots, 100 requests at 4 a second: median TTFT",
    value: 6278,
    unit: "ms",
    tolerance: 0.5,
    source: SWITCHING,
  },
];
