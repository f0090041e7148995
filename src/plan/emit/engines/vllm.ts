import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { vllmEncoder } from "./encoder.ts";
import {
  checkpointName,
  type EngineArguments,
  type EngineContext,
  inexpressible,
  OWN_ADDRESS,
  replicaNodes,
  splitRole,
  transferMissing,
  weightArguments,
} from "./engine-arguments.ts";
import { holdsMissing } from "./held-prompts.ts";
import { vllmLora } from "./lora.ts";

const BYTES_PER_GIB = 1_073_741_824;

/** Weight types that vLLM makes of a checkpoint at load. */
const WEIGHTS = {
  bf16: ["--dtype", "bfloat16"],
  f16: ["--dtype", "float16"],
  f32: ["--dtype", "float32"],
  f8e4m3: ["--quantization", "fp8"],
} as const;

/** Words of `--kv-cache-dtype`. Source: `CacheDType` in vllm/config/cache.py of vLLM 0.33.0. */
const KV: Readonly<Partial<Record<string, string>>> = {
  bf16: "bfloat16",
  f16: "float16",
  f8e4m3: "fp8_e4m3",
  f8e5m2: "fp8_e5m2",
  f4e2m1: "nvfp4",
  i8: "int8_per_token_head",
  i4: "int4_per_token_head",
};

/**
 * `vllm serve` for one pool. Split replicas tell one another where their KV is on a port that listens on loopback unless told otherwise.
 *
 * Source: vllm/engine/arg_utils.py and vllm/config/ and vllm/envs.py of vLLM 0.33.0.
 */
export function vllmArguments(pool: Pool, context: EngineContext): EngineArguments {
  const { parallel, precision } = pool;
  const missing: Inexpressible[] = [];
  const role = splitRole(pool, "vllm");
  const weights = weightArguments(pool, context, { engine: "vllm", flags: WEIGHTS });
  const nodes = replicaNodes(pool, context);
  const lora = vllmLora(pool);
  const encoder = vllmEncoder(pool, context);
  missing.push(...role.missing, ...weights.missing, ...nodes.missing, ...holdsMissing(pool, "vllm"), ...lora.missing, ...encoder.missing);
  const kv = KV[precision.kv];
  if (kv === undefined) missing.push(inexpressible(pool.name, "precision.kv", `vllm keeps no KV in ${precision.kv}`));
  const ranks = parallel.tensor * parallel.data;
  if (parallel.expert !== 1 && parallel.expert !== ranks) {
    missing.push(inexpressible(pool.name, "parallel.expert", `vllm spreads experts over all ${ranks} ranks or none`));
  }
  if (role.role !== undefined) missing.push(...transferMissing(pool, context, "vllm's NixlConnector"));
  const args = [
    ...sized("--tensor-parallel-size", parallel.tensor),
    ...sized("--pipeline-parallel-size", parallel.pipeline),
    ...sized("--data-parallel-size", parallel.data),
    ...sized("--prefill-context-parallel-size", parallel.context),
    ...(parallel.expert > 1 ? ["--enable-expert-parallel"] : []),
    ...weights.args,
    ...(kv === undefined ? [] : ["--kv-cache-dtype", kv]),
    ...engineArguments(pool),
    ...speculation(pool, context, missing),
    ...lora.args,
    ...encoder.args,
    ...(role.role === undefined ? [] : ["--kv-transfer-config", JSON.stringify({ kv_connector: "NixlConnector", kv_role: "kv_both" })]),
  ];
  const environment = { ...(role.role === undefined ? {} : { VLLM_NIXL_SIDE_CHANNEL_HOST: OWN_ADDRESS }), ...encoder.environment };
  const spread = nodes.nodes === 1 ? [] : ["--nnodes", String(nodes.nodes), "--node-rank", "$(NODE_RANK)", "--master-addr", "$(MASTER)"];
  return {
    program: ["vllm", "serve", checkpointName(context)],
    positional: 0,
    args: [...args, ...spread, "--host", "0.0.0.0", "--port", context.port],
    ...(nodes.nodes === 1 ? {} : { follower: [...args, ...spread, "--headless"] }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    files: [],
    missing,
    notes: [...lora.notes, ...(encoder.notes ?? [])],
  };
}

function engineArguments({ role, engine, offload }: Pool): string[] {
  return [
    ...["--max-num-batched-tokens", String(engine.maxBatchedTokens)],
    ...["--max-num-seqs", String(engine.maxSequences)],
    ...["--block-size", String(engine.blockTokens)],
    ...["--gpu-memory-utilization", String(engine.memoryFraction)],
    ...(engine.kvBlocks === undefined ? [] : ["--num-gpu-blocks-override", String(engine.kvBlocks)]),
    ...(engine.maxModelTokens === undefined ? [] : ["--max-model-len", String(engine.maxModelTokens)]),
    // Encoders keep no KV; vLLM asks for them without.
    engine.prefixCaching && role !== "encode" ? "--enable-prefix-caching" : "--no-enable-prefix-caching",
    engine.chunkedPrefill ? "--enable-chunked-prefill" : "--no-enable-chunked-prefill",
    ...(offload === undefined ? [] : ["--kv-offloading-size", String(offload.bytes / BYTES_PER_GIB)]),
  ];
}

function speculation(pool: Pool, { options }: EngineContext, missing: Inexpressible[]): string[] {
  if (pool.speculation === undefined) return [];
  if (options.speculation === undefined) missing.push(inexpressible(pool.name, "speculation", "how draft tokens are made is not said"));
  return ["--speculative-config", JSON.stringify({ method: "mtp", num_speculative_tokens: pool.speculation.draftTokens })];
}

function sized(flag: string, size: number): string[] {
  return size === 1 ? [] : [flag, String(size)];
}
