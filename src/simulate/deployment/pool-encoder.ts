import { err, ok, type Result } from "../../base/result.ts";
import { type EncoderCost, encoderCostOf } from "../../cost/iteration/encoder/encoder-cost.ts";
import { encoderModel } from "../../cost/iteration/encoder/encoder-model.ts";
import type { IterationFault } from "../../cost/iteration/iteration-fault.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Deployment, Pool } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { EncoderSettings } from "../serving/serving-input.ts";

/** What images take of a pool's replicas. Bytes are of the fullest device. */
export interface PoolEncoder {
  readonly bytes: number;
  readonly settings: EncoderSettings;
}

export interface PoolEncoderParts {
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  readonly operators: OperatorModel;
  readonly network?: OperatorModel;
}

/**
 * What SGLang keeps of images unless told. Source: lmsys.org blog 2026-01-12 (`SGLANG_VLM_CACHE_SIZE_MB`, 4 GB).
 */
const SGLANG_CACHE_BYTES = 4096 * 1_048_576;
const ELEMENT_BYTES = 2;

/** The cost of encoding in a pool that does; undefined in others. Errors: `cut-invalid`, `no-basis`. */
export function poolEncoderCost(pool: Pool, parts: PoolEncoderParts): Result<EncoderCost | undefined, IterationFault> {
  const { encoder, parallel, engine } = pool;
  if (encoder === undefined) return ok(undefined);
  return encoderCostOf({ ...parts, parallel, engine: engine.name, encoderParallel: encoder.parallel });
}

/**
 * Memory and limits of a pool that encodes, or that takes what an encode pool made (`apart`); undefined in others.
 *
 * Model: vLLM encodes as many tokens at once as it computes, but at least the largest image, and keeps as many; SGLang encodes what a chunk needs.
 * Errors: `no-basis`, `cut-invalid`.
 * Source: `compute_mm_encoder_budget` of vllm-project/vllm@003ad86 `v1/core/encoder_cache_manager.py`.
 */
export function poolEncoder(pool: Pool, parts: PoolEncoderParts, apart: boolean): Result<PoolEncoder | undefined, IterationFault> {
  const { encoder, engine } = pool;
  if (encoder === undefined && !apart) return ok(undefined);
  const model = encoderModel(parts.architecture);
  if (!model.ok) return model;
  const { tokensMax, tokenElements } = model.value;
  const tokenBytes = tokenElements * ELEMENT_BYTES;
  const standard = Math.max(engine.maxBatchedTokens, tokensMax);
  const least = (field: "batchTokens" | "cacheTokens"): IterationFault | undefined =>
    (encoder?.[field] ?? tokensMax) < tokensMax
      ? { code: "cut-invalid", detail: `encoder.${field} is ${encoder?.[field]}; an image of this model has up to ${tokensMax} tokens` }
      : undefined;
  const wrong = least("batchTokens") ?? least("cacheTokens");
  if (wrong !== undefined) return err(wrong);
  const cacheTokens =
    encoder?.cacheTokens ?? (engine.name === "sglang" ? Math.max(tokensMax, Math.floor(SGLANG_CACHE_BYTES / tokenBytes)) : standard);
  if (encoder === undefined)
    return ok({ bytes: cacheTokens * tokenBytes, settings: { batchTokens: Number.POSITIVE_INFINITY, cacheTokens, apart: true } });
  const cost = poolEncoderCost(pool, parts);
  if (!cost.ok) return cost;
  const batchTokens = engine.name === "sglang" ? Number.POSITIVE_INFINITY : (encoder.batchTokens ?? standard);
  const live = cost.value!.activationBytes(encoder.batchTokens ?? standard);
  return ok({ bytes: cost.value!.weightBytes + live + cacheTokens * tokenBytes, settings: { batchTokens, cacheTokens } });
}

/** Whether a pool takes what another one made of images. */
export function encodesElsewhere({ role }: Pool, { pools }: Pick<Deployment, "pools">): boolean {
  return (role === "both" || role === "prefill") && pools.some((pool) => pool.role === "encode");
}
