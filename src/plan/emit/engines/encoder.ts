import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { type EngineContext, inexpressible, OWN_ADDRESS } from "./engine-arguments.ts";

const BYTES_PER_GIB = 1_073_741_824;

/** Arguments for how images are encoded, and what the engine has no word for. */
export interface EncoderArguments {
  readonly args: readonly string[];
  readonly missing: readonly Inexpressible[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly notes?: readonly string[];
}

/** Where what is made of images lies on its way, with vLLM's connector over a shared path. */
export const SHARED_PATH = "$(EC_SHARED_STORAGE)";

/**
 * How vLLM encodes, and with encoders apart how both sides exchange what was made: its reference connector over a path that they share, or its connector that
 * keeps it in hosts' memory, from where readers pull it over NIXL.
 *
 * Source: `--mm-encoder-tp-mode`, `--mm-encoder-only` and `--ec-transfer-config` of vllm/engine/arg_utils.py, vLLM 0.33.0 (the sizes have no argument there);
 * what leaves an encoder out: `_resolve_mm_embedding_inputs` of vllm/config/vllm.py and `language_model_only` of vllm/config/multimodal.py there;
 * docs/features/disagg_encoder.md and examples/disaggregated/disaggregated_encoder of vllm-project/vllm: connector, roles, and the options that its encoders need.
 */
export function vllmEncoder(pool: Pool, { deployment, encoders }: EngineContext): EncoderArguments {
  const mode = pool.encoder === undefined ? [] : ["--mm-encoder-tp-mode", pool.encoder.parallel];
  const { encodes, reads, apart } = sideOf(pool, deployment);
  const missing = [
    ...sizesMissing(pool, "vllm has no argument for it"),
    ...placeMissing(pool, { encodes, known: encoders !== undefined && encoders.by !== "address", engine: "vllm" }),
  ];
  if (!apart || (encoders?.by !== "path" && encoders?.by !== "nixl")) return { args: mode, missing };
  const way = encoders.by === "path" ? overPath(pool.name, encoders.path) : overNixl(pool.name, encodes);
  const transfer = (role: string): string[] => ["--ec-transfer-config", JSON.stringify({ ...way.connector, ec_role: role, ...way.extra })];
  return {
    args: [
      ...mode,
      ...way.args,
      ...(encodes ? ["--mm-encoder-only", "--enforce-eager", ...transfer("ec_producer")] : []),
      ...(reads ? transfer("ec_consumer") : []),
    ],
    missing,
    ...(way.environment === undefined ? {} : { environment: way.environment }),
    notes: [
      ...(encodes ? [way.note] : []),
      ...(reads
        ? [
            `${pool.name}: keeps the encoder, for images whose outputs are lost (--language-model-only with --enable-mm-embeds would leave it out, and such requests fail); ` +
              "its weights take room beside those the deployment counts",
          ]
        : []),
    ],
  };
}

/** A connector of vLLM between encoders and those that read what they made. */
interface EncoderConnector {
  readonly connector: { readonly ec_connector: string };
  readonly extra: { readonly ec_connector_extra_config: object };
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly note: string;
}

function overPath(pool: string, path: string): EncoderConnector {
  return {
    connector: { ec_connector: "ECExampleConnector" },
    extra: { ec_connector_extra_config: { shared_storage_path: path } },
    args: ["--enable-request-id-headers"],
    note: `${pool}: what is made of images goes over a path that all replicas share (${path}), not over kvTransfer's link`,
  };
}

/**
 * Of a host's memory for what was made of images; the connector has no default. Units: bytes. Source: `ec_cpu_bytes` of
 * guides/multimodal-serving/e-disaggregation/modelserver/gpu/vllm of llm-d/llm-d (2ad7f91).
 */
export const ENCODER_HOST_BYTES = 42_949_672_960;

/**
 * Source: vllm/distributed/ec_transfer/ec_connector/cpu of vLLM 0.33.0: it wants the second model runner and the size of its room; those that read find a
 * producer at the address it gives out. All pools have one runner, so that KV has one layout on both sides.
 */
function overNixl(pool: string, encodes: boolean): EncoderConnector {
  return {
    connector: { ec_connector: "ECCPUConnector" },
    extra: { ec_connector_extra_config: { ec_enable_nixl: true, ec_cpu_bytes: ENCODER_HOST_BYTES } },
    args: [],
    environment: { VLLM_USE_V2_MODEL_RUNNER: "1", ...(encodes ? { VLLM_EC_SIDE_CHANNEL_HOST: OWN_ADDRESS } : {}) },
    note:
      `${pool}: what is made of images lies in ${ENCODER_HOST_BYTES / BYTES_PER_GIB} GiB of a host's memory (ec_cpu_bytes, as llm-d's guide has it) ` +
      "and is pulled from there, not over kvTransfer's link",
  };
}

/**
 * Source: `--mm-enable-dp-encoder`, `--encoder-only`, `--language-only`, `--encoder-urls` of SGLang 0.5.23; what it keeps of images, and how many it encodes at once, are variables of
 * its environment (lmsys.org blog 2026-01-12; ai-dynamo/aiconfigurator issue 1546).
 */
export function sglangEncoder(pool: Pool, { deployment, encoders }: EngineContext): EncoderArguments {
  const { encodes, reads } = sideOf(pool, deployment);
  const addresses = encoders?.by === "address" ? encoders.urls : undefined;
  return {
    args: [
      ...(encodes && addresses !== undefined ? ["--encoder-only", "--enable-prefix-mm-cache"] : []),
      ...(pool.encoder?.parallel === "data" ? ["--mm-enable-dp-encoder"] : []),
      ...(reads && addresses !== undefined ? ["--language-only", "--encoder-urls", ...addresses] : []),
    ],
    ...(encodes && addresses !== undefined ? { environment: { SGLANG_ENCODER_MAX_BATCH_SIZE: String(pool.engine.maxSequences) } } : {}),
    missing: [
      ...sizesMissing(pool, "sglang takes MB (SGLANG_VLM_CACHE_SIZE_MB), and no argument"),
      ...placeMissing(pool, { encodes, known: addresses !== undefined || encoders?.by === "dynamo", engine: "sglang" }),
    ],
  };
}

/** Whether images are encoded apart, and what a pool has to do with it. */
export function sideOf(
  { role }: Pool,
  { pools }: EngineContext["deployment"],
): { readonly apart: boolean; readonly encodes: boolean; readonly reads: boolean } {
  const apart = pools.some((pool) => pool.role === "encode");
  return { apart, encodes: role === "encode", reads: apart && (role === "both" || role === "prefill") };
}

function placeMissing(
  { name }: Pool,
  { encodes, known, engine }: { readonly encodes: boolean; readonly known: boolean; readonly engine: string },
): Inexpressible[] {
  if (!encodes || known) return [];
  return [inexpressible(name, "role", `where ${engine}'s encoders are has no word here`)];
}

/**
 * TensorRT-LLM's encoders are not simulated, and those apart have nothing of its own before them.
 *
 * Source: tensorrt_llm/llmapi/disagg_utils.py (`extract_disagg_cfg` knows context and generation servers alone) and `trtllm-serve mm_embedding_serve` of
 * NVIDIA/TensorRT-LLM 0228a71.
 */
export function trtllmEncoderMissing({ name, role, encoder }: Pool, { encoders }: EngineContext): readonly Inexpressible[] {
  const front =
    encoders?.by === "dynamo"
      ? "dynamo's encode worker of trtllm is not written: how trtllm encodes images is not simulated"
      : "trtllm-serve disaggregated has context and generation servers; nothing of trtllm's sends images to mm_embedding_serve";
  return [
    ...(encoder === undefined ? [] : [inexpressible(name, "encoder", "how trtllm encodes images is not written")]),
    ...(role === "encode" ? [inexpressible(name, "role", front)] : []),
  ];
}

function sizesMissing({ name, encoder }: Pool, detail: string): Inexpressible[] {
  return (["batchTokens", "cacheTokens"] as const).flatMap((field) =>
    encoder?.[field] === undefined ? [] : [inexpressible(name, `encoder.${field}`, detail)],
  );
}
