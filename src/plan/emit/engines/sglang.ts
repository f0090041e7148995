import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { sglangEncoder } from "./encoder.ts";
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
import { sglangLora } from "./lora.ts";

const BYTES_PER_GB = 1e9;
/** Port on which a prefill server tells decode servers where its KV is. */
export const SGLANG_BOOTSTRAP_PORT = 8998;
/** Port of the rendezvous of a replica's machines. */
const RENDEZVOUS_PORT = 5000;

const WEIGHTS = {
  bf16: ["--dtype", "bfloat16"],
  f16: ["--dtype", "float16"],
  f32: ["--dtype", "float32"],
  f8e4m3: ["--quantization", "fp8"],
} as const;

/** Words of `--kv-cache-dtype`. Source: sglang/srt/arg_groups/fields/model.py of SGLang 0.5.23. */
const KV: Readonly<Partial<Record<string, string>>> = { bf16: "bfloat16", f8e4m3: "fp8_e4m3", f8e5m2: "fp8_e5m2", f4e2m1: "nvfp4" };

/**
 * `python3 -m sglang.launch_server` for one pool.
 *
 * Why: its `--tp-size` counts all ranks of a stage, attention data parallelism included, and it divides `--max-running-requests` and
 * `--chunked-prefill-size` by the ranks of attention. Source: sglang/srt/arg_groups/ of SGLang 0.5.23.
 */
export function sglangArguments(pool: Pool, context: EngineContext): EngineArguments {
  const { parallel, engine, precision } = pool;
  const missing: Inexpressible[] = [];
  const role = splitRole(pool, "sglang");
  const weights = weightArguments(pool, context, { engine: "sglang", flags: WEIGHTS });
  const nodes = replicaNodes(pool, context);
  const lora = sglangLora(pool);
  const encoder = sglangEncoder(pool, context);
  missing.push(...role.missing, ...weights.missing, ...nodes.missing, ...holdsMissing(pool, "sglang"), ...lora.missing, ...encoder.missing);
  const kv = KV[precision.kv];
  if (kv === undefined) missing.push(inexpressible(pool.name, "precision.kv", `sglang keeps no KV in ${precision.kv}`));
  const ranks = parallel.tensor * parallel.data * parallel.context;
  if (ranks % parallel.expert !== 0) {
    missing.push(inexpressible(pool.name, "parallel.expert", `${parallel.expert} does not divide the ${ranks} ranks of a stage`));
  }
  if (role.role !== undefined) missing.push(...transferMissing(pool, context, "sglang"));
  const args = [
    ...["--model-path", checkpointName(context)],
    ...sized("--tp-size", ranks),
    ...sized("--attn-dp-size", parallel.data),
    ...sized("--attn-cp-size", parallel.context),
    ...sized("--pp-size", parallel.pipeline),
    ...sized("--ep-size", parallel.expert),
    ...weights.args,
    ...(kv === undefined ? [] : ["--kv-cache-dtype", kv]),
    ...engineArguments(pool),
    ...offloading(pool, missing),
    ...speculation(pool, context, missing),
    ...lora.args,
    ...encoder.args,
    ...roleArguments(role.role, engine.prefixCaching),
    ...(nodes.nodes === 1
      ? []
      : ["--nnodes", String(nodes.nodes), "--node-rank", "$(NODE_RANK)", "--dist-init-addr", `$(MASTER):${RENDEZVOUS_PORT}`]),
    ...["--host", "0.0.0.0", "--port", context.port],
  ];
  return {
    program: ["python3", "-m", "sglang.launch_server"],
    positional: 0,
    args,
    ...(nodes.nodes === 1 ? {} : { follower: args }),
    ...(encoder.environment && { environment: encoder.environment }),
    files: [],
    missing,
    notes: [
      `${pool.name}: sglang's --mem-fraction-static leaves activations out of the share; the deployment's memoryFraction counts them in`,
      ...lora.notes,
    ],
  };
}

function engineArguments({ engine, parallel }: Pool): string[] {
  const tokens = String(engine.maxBatchedTokens * parallel.data);
  return [
    ...(engine.chunkedPrefill ? ["--chunked-prefill-size", tokens] : ["--chunked-prefill-size", "-1"]),
    ...["--max-prefill-tokens", String(engine.maxBatchedTokens)],
    ...["--max-running-requests", String(engine.maxSequences * parallel.data)],
    ...["--page-size", String(engine.blockTokens)],
    ...["--mem-fraction-static", String(engine.memoryFraction)],
    ...(engine.kvBlocks === undefined ? [] : ["--max-total-tokens", String(engine.kvBlocks * engine.blockTokens)]),
    ...(engine.maxModelTokens === undefined ? [] : ["--context-length", String(engine.maxModelTokens)]),
    ...(engine.prefixCaching ? [] : ["--disable-radix-cache"]),
    ...(engine.schedulerRecvInterval === undefined ? [] : ["--scheduler-recv-interval", String(engine.schedulerRecvInterval)]),
  ];
}

/** A decode server drops its prefix cache unless told to keep it. */
function roleArguments(role: "prefill" | "decode" | undefined, prefixCaching: boolean): string[] {
  if (role === undefined) return [];
  const transfer = ["--disaggregation-mode", role, "--disaggregation-transfer-backend", "nixl"];
  if (role === "prefill") return [...transfer, "--disaggregation-bootstrap-port", String(SGLANG_BOOTSTRAP_PORT)];
  return prefixCaching ? [...transfer, "--disaggregation-decode-enable-radix-cache"] : transfer;
}

/** The size is given for each rank, in whole GB. */
function offloading(pool: Pool, missing: Inexpressible[]): string[] {
  if (pool.offload === undefined) return [];
  const size = pool.offload.bytes / BYTES_PER_GB / replicaDevices(pool);
  if (!Number.isInteger(size)) missing.push(inexpressible(pool.name, "offload.bytes", `${size} GB a rank; sglang takes whole GB`));
  return ["--enable-hierarchical-cache", "--hicache-size", String(size)];
}

function speculation(pool: Pool, { options }: EngineContext, missing: Inexpressible[]): string[] {
  if (pool.speculation === undefined) return [];
  if (options.speculation === undefined) missing.push(inexpressible(pool.name, "speculation", "how draft tokens are made is not said"));
  const { draftTokens } = pool.speculation;
  return [
    ...["--speculative-algorithm", "NEXTN", "--speculative-num-steps", String(draftTokens)],
    ...["--speculative-eagle-topk", "1", "--speculative-num-draft-tokens", String(draftTokens + 1)],
  ];
}

function sized(flag: string, size: number): string[] {
  return size === 1 ? [] : [flag, String(size)];
}
