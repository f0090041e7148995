import type { AttentionDpBalance, EncoderSide, EngineSettings, FfnSide, Parallelism, Precision, RoutingName } from "./deployment.ts";
import { LORA_MODULES, type LoraSettings } from "./lora.ts";

/** What a deployment file may leave out. Every value that was filled in is named in the reports, with these reasons. */
export const DEPLOYMENT_DEFAULTS: {
  readonly routing: RoutingName;
  readonly replicas: number;
  readonly parallel: Parallelism;
  readonly precision: Precision;
  readonly engine: EngineSettings;
  readonly attentionDpBalance: AttentionDpBalance;
  readonly lora: Omit<LoraSettings, "cpuLoras">;
  readonly loraDiskBytesPerSecond: number;
  readonly scalingEveryNs: number;
  readonly resubmitNs: number;
  readonly encodeImages: number;
  readonly encoder: Pick<EncoderSide, "parallel">;
  readonly ffn: Pick<FfnSide, "parallel" | "microBatches">;
} = {
  routing: "round-robin",
  replicas: 1,
  parallel: { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 },
  precision: { weights: "bf16", kv: "bf16" },
  engine: {
    name: "vllm",
    maxBatchedTokens: 2048,
    maxSequences: 256,
    blockTokens: 16,
    memoryFraction: 0.9,
    prefixCaching: true,
    chunkedPrefill: true,
    overheadNs: 0,
  },
  attentionDpBalance: { timeoutIters: 50, batchingWaitIters: 10 },
  lora: { maxLoras: 1, maxRank: 16, modules: LORA_MODULES, format: "bf16", fullySharded: false, overlapLoading: false },
  loraDiskBytesPerSecond: 2e9,
  scalingEveryNs: 15e9,
  resubmitNs: 0,
  encodeImages: 8,
  encoder: { parallel: "weights" },
  ffn: { parallel: { tensor: 1, expert: 1 }, microBatches: 3 },
};

/**
 * Why a default is what it is, by the field's path below a pool (or the deployment); of engines other than vLLM: `ENGINE_REASONS`.
 *
 * Source: vLLM 0.19 (vllm-project/vllm): `EngineArgs.get_batch_defaults` for the API server, `CacheConfig` (blocks of 16 tokens, 0.9 of the memory,
 * prefix caching), `LoRAConfig`, and chunked prefill, which its V1 engine always does where the model allows. NVIDIA/TensorRT-LLM: `AttentionDpConfig` of
 * tensorrt_llm/llmapi/llm_args.py.
 */
export const DEFAULT_REASONS: Readonly<Record<string, string>> = {
  routing: "the simplest router",
  replicas: "one",
  parallel: "not divided",
  precision: "16-bit weights and KV",
  "engine.name": "the scheduler that was compared with a recorded run",
  "engine.maxBatchedTokens": "vLLM's server: 8,192 on GPUs of 70 GiB or more but A100, else 2,048",
  "engine.maxSequences": "vLLM's server: 1,024 on GPUs of 70 GiB or more but A100, else 256",
  "engine.blockTokens": "vLLM",
  "engine.memoryFraction": "vLLM",
  "engine.prefixCaching": "vLLM",
  "engine.chunkedPrefill": "vLLM",
  "engine.attentionDpBalance.timeoutIters": "TensorRT-LLM",
  "engine.attentionDpBalance.batchingWaitIters": "TensorRT-LLM",
  "lora.maxLoras": "vLLM; SGLang's is 8",
  "lora.maxRank": "vLLM",
  "lora.modules": "all products of a layer, as vLLM makes room for",
  "lora.format": "that of the activations",
  "lora.fullySharded": "vLLM",
  "lora.overlapLoading": "SGLang",
  "lora.cpuLoras": "vLLM: no more than have slots",
  "lora.diskBytesPerSecond": "a guess for a local drive: measure yours",
  "scaling.everyNs": "Kubernetes' horizontal autoscaler (--horizontal-pod-autoscaler-sync-period)",
  "outages.resubmitNs": "sent again at once",
  "encoder.parallel": "vLLM and SGLang",
  "encode.maxSequences": "SGLang's encode server (SGLANG_ENCODER_MAX_BATCH_SIZE)",
  "ffn.parallel": "not divided",
  "ffn.microBatches": "hide links that take less than half of what the slower side does (arXiv:2504.02263, section 4.1)",
  "engine.overheadNs": "nothing beyond the engine's own constants: measure what your host adds",
};
