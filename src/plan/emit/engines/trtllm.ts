import { stringify } from "yaml";
import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { trtllmEncoderMissing } from "./encoder.ts";
import {
  checkpointName,
  type EngineArguments,
  type EngineContext,
  inexpressible,
  replicaDevices,
  replicaNodes,
  splitRole,
  transferMissing,
  weightArguments,
} from "./engine-arguments.ts";
import { holdsMissing } from "./held-prompts.ts";
import { trtllmLoraMissing } from "./lora.ts";

/** Words of `kv_cache_config.dtype`; a bf16 cache is what a bf16 model makes by itself. */
const KV: Readonly<Partial<Record<string, string>>> = { bf16: "auto", f8e4m3: "fp8", f4e2m1: "nvfp4" };

/**
 * `trtllm-serve` and its YAML for one pool.
 *
 * Source: tensorrt_llm/commands/serve.py and llmapi/llm_args.py of NVIDIA/TensorRT-LLM 00209af.
 */
export function trtllmArguments(pool: Pool, context: EngineContext): EngineArguments {
  const { parallel, engine } = pool;
  const missing: Inexpressible[] = [];
  const role = splitRole(pool, "trtllm");
  missing.push(...role.missing, ...weightArguments(pool, context, { engine: "trtllm", flags: {} }).missing);
  missing.push(
    ...parallelMissing(pool, context),
    ...holdsMissing(pool, "trtllm"),
    ...trtllmLoraMissing(pool),
    ...trtllmEncoderMissing(pool, context),
  );
  if (role.role !== undefined) missing.push(...transferMissing(pool, context, "trtllm"));
  const config = configOf(pool, context, missing);
  const file = `trtllm-${pool.name}.yaml`;
  return {
    program: ["trtllm-serve", checkpointName(context)],
    positional: 0,
    args: [
      ...["--tp_size", String(parallel.tensor * parallel.data), "--pp_size", String(parallel.pipeline)],
      ...(parallel.expert > 1 ? ["--ep_size", String(parallel.expert)] : []),
      ...(context.options.devicesPerNode === undefined ? [] : ["--gpus_per_node", String(context.options.devicesPerNode)]),
      ...["--max_batch_size", String(engine.maxSequences), "--max_num_tokens", String(engine.maxBatchedTokens)],
      ...(engine.maxModelTokens === undefined ? [] : ["--max_seq_len", String(engine.maxModelTokens)]),
      ...["--extra_llm_api_options", file, "--host", "0.0.0.0", "--port", context.port],
    ],
    files: [{ name: file, text: stringify(config) }],
    missing,
    notes: [
      ...(pool.precision.kv === "bf16"
        ? [`${pool.name}: KV in bf16 is written as "auto", which a checkpoint with quantised KV overrides`]
        : []),
      ...(engine.kvBlocks === undefined ? [] : [`${pool.name}: engine.memoryFraction is not written: kvBlocks say how much room KV has`]),
    ],
  };
}

function parallelMissing(pool: Pool, context: EngineContext): Inexpressible[] {
  const { parallel } = pool;
  const { nodes, missing } = replicaNodes(pool, context);
  const found = [...missing];
  if (nodes > 1) found.push(inexpressible(pool.name, "parallel", "several machines need an MPI launcher, which is not written"));
  if (parallel.context > 1)
    found.push(inexpressible(pool.name, "parallel.context", "trtllm wants a cp_config that a deployment does not hold"));
  if (parallel.data > 1 && parallel.tensor > 1) {
    found.push(inexpressible(pool.name, "parallel.data", "trtllm runs attention data parallel over all tensor ranks or none"));
  }
  return found;
}

/** Fields of `LlmArgs`. */
function configOf(pool: Pool, context: EngineContext, missing: Inexpressible[]): object {
  const { engine, precision, parallel, offload, speculation } = pool;
  const dtype = KV[precision.kv];
  if (dtype === undefined) missing.push(inexpressible(pool.name, "precision.kv", `trtllm keeps no KV in ${precision.kv}`));
  if (engine.kvBlocks === undefined) {
    const detail = "trtllm takes a share of what is free after loading; say kvBlocks";
    missing.push(inexpressible(pool.name, "engine.memoryFraction", detail));
  }
  if (speculation !== undefined && context.options.speculation === undefined) {
    missing.push(inexpressible(pool.name, "speculation", "how draft tokens are made is not said"));
  }
  return {
    enable_attention_dp: parallel.data > 1,
    enable_chunked_prefill: engine.chunkedPrefill,
    ...holdsOf(engine),
    kv_cache_config: {
      enable_block_reuse: engine.prefixCaching,
      tokens_per_block: engine.blockTokens,
      ...(engine.kvBlocks === undefined ? {} : { max_tokens: engine.kvBlocks * engine.blockTokens }),
      ...(dtype === undefined ? {} : { dtype }),
      ...(offload === undefined ? {} : { host_cache_size: Math.floor(offload.bytes / replicaDevices(pool)) }),
    },
    ...(speculation === undefined
      ? {}
      : { speculative_config: { decoding_type: "MTP", num_nextn_predict_layers: speculation.draftTokens } }),
    ...(pool.role === "both" ? {} : { cache_transceiver_config: { backend: "DEFAULT" } }),
  };
}

/** How prompts are held back from decodes; left out, they are not. */
function holdsOf({ batchWaitTimeoutIters, batchWaitMaxTokensRatio, attentionDpBalance }: Pool["engine"]): object {
  return {
    ...(batchWaitTimeoutIters === undefined ? {} : { batch_wait_timeout_iters: batchWaitTimeoutIters }),
    ...(batchWaitMaxTokensRatio === undefined ? {} : { batch_wait_max_tokens_ratio: batchWaitMaxTokensRatio }),
    ...(attentionDpBalance === undefined
      ? {}
      : {
          attention_dp_config: {
            enable_balance: true,
            timeout_iters: attentionDpBalance.timeoutIters,
            batching_wait_iters: attentionDpBalance.batchingWaitIters,
          },
        }),
  };
}
