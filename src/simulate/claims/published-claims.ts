/** A published figure that heddle is asked to compute, with the tolerance fixed before the code that computes it. */
export interface PublishedClaim {
  readonly id: string;
  /** What was measured, where, with all that the computation takes as given. */
  readonly statement: string;
  readonly value: number;
  readonly unit: string;
  /** Largest relative deviation of heddle's figure that counts as agreement. */
  readonly tolerance: number;
  readonly source: string;
}

const OPEN_INFRA = "deepseek-ai/open-infra-index@56d8685, day 6: DeepSeek-V3/R1 inference system overview";
const SGLANG_EP = "lmsys.org blog 2025-05-05, DeepSeek with prefill/decode disaggregation and large-scale expert parallelism on 96 H100";
const KORTHIKANTI = "Korthikanti et al. 2022, arXiv:2205.05198, table 5: sequence parallelism with selective recomputation, A100 80 GB";

/**
 * Ten published claims. The deployments are as published; nothing is fitted to the figures themselves, unless the statement says what is given.
 *
 * Why here and first: a tolerance chosen after the result says nothing.
 */
export const PUBLISHED_CLAIMS: readonly PublishedClaim[] = [
  {
    id: "deepseek-decode-node",
    statement:
      "DeepSeek-V3/R1 (671B, FP8), decode units of 18 nodes of 8 H800, EP144 with attention data-parallel, mean KV length 4,989, 20 to 22 tokens/s a user: output tokens/s a node",
    value: 14_800,
    unit: "tokens/s/node",
    tolerance: 0.25,
    source: OPEN_INFRA,
  },
  {
    id: "deepseek-prefill-node",
    statement:
      "DeepSeek-V3/R1 (671B, FP8), prefill units of 4 nodes of 8 H800, EP32, 56.3 % of input tokens from the cache: input tokens/s a node, hits counted",
    value: 73_700,
    unit: "tokens/s/node",
    tolerance: 0.25,
    source: OPEN_INFRA,
  },
  {
    id: "sglang-prefill-node",
    statement: "DeepSeek-V3 on SGLang, prefill on 4 nodes of 8 H100, EP32, prompts of 2,000 tokens, no cache: input tokens/s a node",
    value: 52_300,
    unit: "tokens/s/node",
    tolerance: 0.25,
    source: SGLANG_EP,
  },
  {
    id: "sglang-decode-node",
    statement:
      "DeepSeek-V3 on SGLang, decode on 9 nodes of 8 H100, EP72, prompts of 2,000 tokens, 256 sequences a GPU: output tokens/s a node",
    value: 22_300,
    unit: "tokens/s/node",
    tolerance: 0.25,
    source: SGLANG_EP,
  },
  {
    id: "megatron-175b-step",
    statement:
      "GPT 175B (96 layers, width 12,288), 64 A100, tensor 8, pipeline 8 (3 interleaved), global batch 64, sequence 2,048: step time",
    value: 13.75,
    unit: "s",
    tolerance: 0.1,
    source: KORTHIKANTI,
  },
  {
    id: "megatron-530b-step",
    statement:
      "GPT 530B (105 layers, width 20,480), 280 A100, tensor 8, pipeline 35 (3 interleaved), global batch 280, sequence 2,048: step time",
    value: 37.83,
    unit: "s",
    tolerance: 0.1,
    source: KORTHIKANTI,
  },
  {
    id: "megatron-1t-step",
    statement: "GPT 1T (128 layers, width 25,600), 512 A100, tensor 8, pipeline 64, global batch 512, sequence 2,048: step time",
    value: 71.49,
    unit: "s",
    tolerance: 0.1,
    source: KORTHIKANTI,
  },
  {
    id: "megatron-1t-3072",
    statement:
      "GPT 1T (128 layers, width 25,600), 3,072 A100, tensor 8, pipeline 64, data 6, global batch 3,072, full recomputation: model TFLOP/s a GPU, recomputation counted",
    value: 163,
    unit: "TFLOP/s/GPU",
    tolerance: 0.15,
    source: "Narayanan et al. 2021, arXiv:2104.04473, table 1",
  },
  {
    id: "eplb-imbalance",
    statement:
      "DeepSeek-R1, 256 experts on 32 ranks without balancing, loads skewed so that the imbalance (max/mean - 1) of single experts is 10.948 (given): imbalance of the ranks",
    value: 1.564,
    unit: "max/mean - 1",
    tolerance: 0.2,
    source: "NVIDIA/TensorRT-LLM@1d263f1, tech blog 4, table 1",
  },
  {
    id: "distserve-goodput",
    statement:
      "OPT-13B on A100 80 GB, prompts of 512 and outputs of 64 tokens, Poisson arrivals, 90 % within TTFT 0.4 s and TPOT 0.04 s: requests/s a GPU of 2 prefill GPUs with 1 decode GPU over those of one GPU that does both (3.3 over 1.6)",
    value: 2.1,
    unit: "ratio",
    tolerance: 0.3,
    source: "Zhong et al. 2024, arXiv:2401.09670, figure 1",
  },
];
