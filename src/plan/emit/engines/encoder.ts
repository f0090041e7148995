import type { Pool } from "../../deployment/deployment.ts";
import type { Inexpressible } from "../emit-types.ts";
import { inexpressible } from "./engine-arguments.ts";

/** Arguments for how images are encoded, and what the engine has no word for. */
export interface EncoderArguments {
  readonly args: readonly string[];
  readonly missing: readonly Inexpressible[];
}

/** Source: `--mm-encoder-tp-mode` of vllm/engine/arg_utils.py, vLLM 0.33.0; the sizes have no argument there. */
export function vllmEncoder(pool: Pool): EncoderArguments {
  if (pool.encoder === undefined) return { args: [], missing: [] };
  return { args: ["--mm-encoder-tp-mode", pool.encoder.parallel], missing: sizesMissing(pool, "vllm has no argument for it") };
}

/** Source: `--mm-enable-dp-encoder` of SGLang 0.5.23; what it keeps of images is a variable of its environment in MB. */
export function sglangEncoder(pool: Pool): EncoderArguments {
  if (pool.encoder === undefined) return { args: [], missing: [] };
  return {
    args: pool.encoder.parallel === "data" ? ["--mm-enable-dp-encoder"] : [],
    missing: sizesMissing(pool, "sglang takes MB (SGLANG_VLM_CACHE_SIZE_MB), and no argument"),
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
