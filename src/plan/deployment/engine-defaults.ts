import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { GIB } from "../../rack/catalog/figure.ts";
import type { EngineSettings } from "./deployment.ts";
import { DEPLOYMENT_DEFAULTS } from "./deployment-defaults.ts";

/** The fields of `engine` whose defaults depend on the engine; the first two also on the pool's device. */
export const ENGINE_DEFAULTS = ["maxBatchedTokens", "maxSequences", "blockTokens"] as const;

/** What decides the engine settings that a pool leaves out. */
export interface EngineOf {
  readonly name: EngineSettings["name"];
  /** Undefined where nothing is known of the device. */
  readonly sheet: DeviceSheet | undefined;
  /** Data-parallel ranks of attention. */
  readonly data: number;
}

type Own = Pick<EngineSettings, (typeof ENGINE_DEFAULTS)[number]>;

/** Engine settings of a pool that says none: those of the engine's own server where it has published them, else vLLM's. */
export function engineDefaults({ name, sheet, data }: EngineOf): EngineSettings {
  return { ...DEPLOYMENT_DEFAULTS.engine, ...OWN[name](sheet, data), name };
}

const OWN: Readonly<Record<EngineSettings["name"], (sheet: DeviceSheet | undefined, data: number) => Own>> = {
  vllm,
  sglang,
  trtllm: () => ({ maxBatchedTokens: 8192, maxSequences: 2048, blockTokens: 32 }),
  heddle: vllm,
};

/** What vLLM's server takes more tokens and sequences on. */
const LARGE = { bytes: 70 * GIB, maxBatchedTokens: 8192, maxSequences: 1024 };

/**
 * vLLM's server takes larger iterations on GPUs of 70 GiB or more, but not on A100. Without a sheet they are those of smaller devices.
 *
 * Source: vLLM 0.19, `EngineArgs.get_batch_defaults`, for the API server on GPUs.
 */
function vllm(sheet: DeviceSheet | undefined): Own {
  const { maxBatchedTokens, maxSequences, blockTokens } = DEPLOYMENT_DEFAULTS.engine;
  if (sheet === undefined || sheet.kind !== "gpu" || sheet.memory.capacityBytes.value < LARGE.bytes || /a100/i.test(sheet.name))
    return { maxBatchedTokens, maxSequences, blockTokens };
  return { maxBatchedTokens: LARGE.maxBatchedTokens, maxSequences: LARGE.maxSequences, blockTokens };
}

/** `chunked_prefill_size` of SGLang on GPUs of less memory than `below`, in bytes. */
const CHUNKS = [
  { below: 35 * GIB, tokens: 2048 },
  { below: 60 * GIB, tokens: 4096 },
  { below: 160 * GIB, tokens: 8192 },
  { below: Number.POSITIVE_INFINITY, tokens: 16_384 },
];
const CHUNK_UNKNOWN = 4096;

/**
 * SGLang's chunk follows the GPU's memory and is divided among data-parallel ranks of attention. Its `max_running_requests` is 512 x KV tokens / longest
 * context, between 2,048 and 4,096, of which the least is taken; KV memory is what ends most batches. Its pages are of one token unless a kernel asks for
 * more; blocks of 16 are kept, as they differ in rounding alone.
 *
 * Source: sgl-project/sglang 0.5, `server_args.py` (`_handle_gpu_memory_settings`, `_handle_data_parallelism`), `_resolve_max_num_reqs` of `model_runner`.
 */
function sglang(sheet: DeviceSheet | undefined, data: number): Own {
  const bytes = sheet?.kind === "gpu" ? sheet.memory.capacityBytes.value : undefined;
  const chunk = bytes === undefined ? CHUNK_UNKNOWN : CHUNKS.find(({ below }) => bytes < below)!.tokens;
  const maxBatchedTokens = Math.max(1, Math.floor(chunk / data));
  return { maxBatchedTokens, maxSequences: 2048, blockTokens: DEPLOYMENT_DEFAULTS.engine.blockTokens };
}

/**
 * Why a setting is what it is where it is not vLLM's or that is not plain, by engine and field.
 *
 * Source of TensorRT-LLM's: NVIDIA/TensorRT-LLM 1.1, tensorrt_llm/llmapi/llm_args.py: `BaseLlmArgs.max_batch_size` 2,048 and `max_num_tokens` 8,192,
 * `KvCacheConfig.tokens_per_block` 32 and `enable_block_reuse`; commands/serve.py of 00209af takes the same of `BuildConfig` (builder.py of 008b2b8), with
 * `enable_chunked_prefill` off and `free_gpu_memory_fraction` 0.9.
 */
export const ENGINE_REASONS: Readonly<Partial<Record<EngineSettings["name"], Readonly<Record<string, string>>>>> = {
  sglang: {
    maxBatchedTokens:
      "SGLang's server (chunked_prefill_size): 2,048 on GPUs below 35 GiB, 4,096 below 60, 8,192 below 160, else 16,384; over data-parallel ranks",
    maxSequences: "SGLang's server (max_running_requests): 2,048 to 4,096 by KV memory and longest context; the least",
    blockTokens: "vLLM; SGLang's pages are of one token or what its kernels take",
    memoryFraction: "vLLM, activations counted in; SGLang works out what it leaves free for them",
    prefixCaching: "SGLang",
    chunkedPrefill: "SGLang",
  },
  trtllm: {
    maxBatchedTokens: "trtllm-serve (max_num_tokens)",
    maxSequences: "trtllm-serve (max_batch_size)",
    blockTokens: "TensorRT-LLM (tokens_per_block)",
    memoryFraction: "vLLM, of the whole memory; trtllm-serve takes 0.9 of what is free after loading",
    prefixCaching: "TensorRT-LLM (enable_block_reuse)",
    chunkedPrefill: "vLLM; trtllm-serve cuts no prompts unless told (--enable_chunked_prefill) and refuses longer ones than max_num_tokens",
  },
};
