import { HeddleError } from "../../base/heddle-error.ts";
import { dequantiseAll } from "../decoder/dequantise.ts";
import { type RopeScaling, yarnAttentionFactor } from "../decoder/rope.ts";
import type { WeightTensor } from "../decoder/weights.ts";
import type { GgufFields } from "./gguf-fields.ts";

/** YaRN's defaults. Source: Peng et al. 2023, section 3.2. */
const BETA_FAST = 32;
const BETA_SLOW = 1;

export interface GgufRopeFacts {
  readonly architecture: string;
  readonly headDim: number;
  /** `rope_freqs.weight`, which holds Llama 3's scaling as divisors. */
  readonly divisors: WeightTensor | undefined;
}

/** The rope scaling of a GGUF file. Errors: `gguf-invalid`, `gguf-unsupported`, naming the key. */
export function ropeScalingOf(fields: GgufFields, facts: GgufRopeFacts): RopeScaling {
  const prefix = `${facts.architecture}.rope.scaling.`;
  const legacyFactor = fields.positive(`${facts.architecture}.rope.scale_linear`);
  const type = fields.string(`${prefix}type`) ?? (legacyFactor === undefined ? "none" : "linear");
  const factor = fields.positive(`${prefix}factor`) ?? legacyFactor ?? 1;
  const attentionFactor = fields.positive(`${prefix}attn_factor`) ?? 1;
  if (facts.divisors !== undefined) return divisorScaling(facts.divisors, facts.headDim, type);
  if (type !== "yarn" && attentionFactor !== 1) throw unsupported(`${prefix}attn_factor`, `${attentionFactor} without YaRN`);
  if (type === "none") return { kind: "none" };
  if (type === "linear") return factor === 1 ? { kind: "none" } : { kind: "linear", factor };
  if (type !== "yarn") throw unsupported(`${prefix}type`, type);
  if ((fields.positive(`${prefix}yarn_ext_factor`) ?? 1) !== 1) throw unsupported(`${prefix}yarn_ext_factor`, "a value other than 1");
  return {
    kind: "yarn",
    factor,
    originalContext: fields.size(`${prefix}original_context_length`),
    betaFast: fields.positive(`${prefix}yarn_beta_fast`) ?? BETA_FAST,
    betaSlow: fields.positive(`${prefix}yarn_beta_slow`) ?? BETA_SLOW,
    attentionFactor: yarnAttentionFactor(factor) * attentionFactor * (fields.positive(`${prefix}yarn_attn_factor`) ?? 1),
  };
}

function divisorScaling(tensor: WeightTensor, headDim: number, type: string): RopeScaling {
  if (type !== "none") throw unsupported("rope_freqs.weight", `divisors together with ${type} scaling`);
  const divisors = dequantiseAll(tensor);
  if (divisors.length !== headDim / 2 || divisors.some((value) => !(value > 0 && value < Infinity))) {
    throw new HeddleError("gguf-invalid", { where: "rope_freqs.weight", detail: `it must hold ${headDim / 2} positive numbers` });
  }
  return { kind: "divisors", divisors };
}

function unsupported(where: string, detail: string): HeddleError {
  return new HeddleError("gguf-unsupported", { where, detail });
}
