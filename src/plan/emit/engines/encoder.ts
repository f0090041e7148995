import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { type EngineContext, inexpressible } from "./engine-arguments.ts";

/** Arguments for how images are encoded, and what the engine has no word for. */
export interface EncoderArguments {
  readonly args: readonly string[];
  readonly missing: readonly Inexpressible[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Source: `--mm-encoder-tp-mode` of vllm/engine/arg_utils.py, vLLM 0.33.0; the sizes have no argument there. */
export function vllmEncoder(pool: Pool): EncoderArguments {
  if (pool.encoder === undefined) return { args: [], missing: [] };
  return { args: ["--mm-encoder-tp-mode", pool.encoder.parallel], missing: sizesMissing(pool, "vllm has no argument for it") };
}

/**
 * Source: `--mm-enable-dp-encoder`, `--encoder-only`, `--language-only`, `--encoder-urls` of SGLang 0.5.23; what it keeps of images, and how many it encodes at once, are variables of
 * its environment (lmsys.org blog 2026-01-12; ai-dynamo/aiconfigurator issue 1546).
 */
export function sglangEncoder(pool: Pool, { deployment, encoderUrls }: EngineContext): EncoderArguments {
  const apart = deployment.pools.some(({ role }) => role === "encode");
  const reads = apart && (pool.role === "both" || pool.role === "prefill");
  const unknown = apart && encoderUrls === undefined;
  return {
    args: [
      ...(pool.role === "encode" ? ["--encoder-only", "--enable-prefix-mm-cache"] : []),
      ...(pool.encoder?.parallel === "data" ? ["--mm-enable-dp-encoder"] : []),
      ...(reads ? ["--language-only", "--encoder-urls", ...(encoderUrls ?? [])] : []),
    ],
    ...(pool.role === "encode" ? { environment: { SGLANG_ENCODER_MAX_BATCH_SIZE: String(pool.engine.maxSequences) } } : {}),
    missing: [
      ...sizesMissing(pool, "sglang takes MB (SGLANG_VLM_CACHE_SIZE_MB), and no argument"),
      ...(unknown && pool.role === "encode"
        ? [inexpressible(pool.name, "role", "addresses of encoders are written for sglang's own commands alone")]
        : []),
    ],
  };
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
