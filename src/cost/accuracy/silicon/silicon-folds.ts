/**
 * Groups of the public sample of served models (merged model, system, engine) and the fold each is held out in: FNV-1a of the group's name, modulo 5.
 *
 * Why: written down before anything was fitted, so that no constant that predicts a group was chosen with a row of it. A test recomputes the hashes.
 */
export const SILICON_FOLDS: Readonly<Record<string, number>> = {
  "DeepSeek-V3 b200_sxm sglang": 2,
  "DeepSeek-V3 b200_sxm trtllm": 1,
  "DeepSeek-V3 b300_sxm sglang": 0,
  "DeepSeek-V3 gb200 sglang": 4,
  "DeepSeek-V3 gb200 trtllm": 1,
  "DeepSeek-V3 gb300 sglang": 4,
  "DeepSeek-V3 gb300 trtllm": 0,
  "DeepSeek-V3 h100_sxm sglang": 0,
  "DeepSeek-V3 h100_sxm trtllm": 0,
  "DeepSeek-V3 h200_sxm sglang": 2,
  "DeepSeek-V3 h200_sxm trtllm": 0,
  "GLM-5 b200_sxm sglang": 4,
  "GLM-5 b300_sxm sglang": 4,
  "GLM-5 gb200 trtllm": 2,
  "Kimi-K2 gb200 trtllm": 0,
  "Llama-3.1-70B b200_sxm trtllm": 1,
  "Llama-3.1-70B h100_sxm vllm": 4,
  "Llama-3.1-70B h200_sxm trtllm": 3,
  "Llama-3.1-70B h200_sxm vllm": 1,
  "Llama-3.1-8B h100_sxm trtllm": 1,
  "Llama-3.1-8B h200_sxm sglang": 4,
  "Qwen3-235B-A22B h100_sxm trtllm": 3,
  "Qwen3-235B-A22B h200_sxm sglang": 1,
  "Qwen3-32B b200_sxm trtllm": 0,
  "Qwen3-32B gb200 trtllm": 3,
  "Qwen3-32B h100_sxm trtllm": 2,
  "Qwen3-32B h100_sxm vllm": 3,
  "Qwen3.5-397B-A17B b300_sxm sglang": 4,
  "Qwen3.5-397B-A17B h200_sxm sglang": 1,
  "gpt-oss-120b gb200 trtllm": 3,
  "gpt-oss-120b h100_sxm trtllm": 0,
  "gpt-oss-120b h200_sxm trtllm": 2,
};

export const FOLD_COUNT = 5;
