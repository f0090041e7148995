import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { type EngineContext, inexpressible } from "./engine-arguments.ts";

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
 * How vLLM encodes, and with encoders apart how both sides exchange what was made: its reference connector, over a path that they share.
 *
 * Source: `--mm-encoder-tp-mode`, `--mm-encoder-only` and `--ec-transfer-config` of vllm/engine/arg_utils.py, vLLM 0.33.0 (the sizes have no argument there);
 * docs/features/disagg_encoder.md and examples/disaggregated/disaggregated_encoder of vllm-project/vllm: connector, roles, and the options that its encoders need.
 */
export function vllmEncoder(pool: Pool, { deployment, encoders }: EngineContext): EncoderArguments {
  const mode = pool.encoder === undefined ? [] : ["--mm-encoder-tp-mode", pool.encoder.parallel];
  const sizes = sizesMissing(pool, "vllm has no argument for it");
  const { encodes, reads, apart } = sideOf(pool, deployment);
  const missing = [
    ...sizes,
    ...placeMissing(pool, { encodes, known: encoders?.by === "path" || encoders?.by === "dynamo", engine: "vllm" }),
  ];
  if (!apart || encoders?.by !== "path") return { args: mode, missing };
  const transfer = (role: string): string[] => {
    const extra = { ec_connector_extra_config: { shared_storage_path: encoders.path } };
    return ["--ec-transfer-config", JSON.stringify({ ec_connector: "ECExampleConnector", ec_role: role, ...extra })];
  };
  return {
    args: [
      ...mode,
      "--enable-request-id-headers",
      ...(encodes ? ["--mm-encoder-only", "--enforce-eager", ...transfer("ec_producer")] : []),
      ...(reads ? transfer("ec_consumer") : []),
    ],
    missing,
    notes: [
      ...(encodes
        ? [`${pool.name}: what is made of images goes over a path that all replicas share (EC_SHARED_STORAGE), not over kvTransfer's link`]
        : []),
      ...(reads
        ? [`${pool.name}: vllm has no argument that leaves the encoder out; its weights take room beside those the deployment counts`]
        : []),
    ],
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
  return [inexpressible(name, "role", `where encoders are is written for ${engine}'s own commands and for dynamo alone`)];
}

/** Of engines whose encoders are not simulated. */
export function encoderMissing(pool: Pool, engine: string): readonly Inexpressible[] {
  return pool.encoder === undefined ? [] : [inexpressible(pool.name, "encoder", `how ${engine} encodes images is not written`)];
}

function sizesMissing({ name, encoder }: Pool, detail: string): Inexpressible[] {
  return (["batchTokens", "cacheTokens"] as const).flatMap((field) =>
    encoder?.[field] === undefined ? [] : [inexpressible(name, `encoder.${field}`, detail)],
  );
}
