import { type RopeScaling, yarnAttentionFactor } from "../decoder/rope.ts";
import { type HfConfig, invalid, type RopeParameters, unsupported } from "./hf-config.ts";

const DEFAULT_THETA = 10000;
/** YaRN's defaults. Source: Peng et al. 2023, section 3.2. */
const BETA_FAST = 32;
const BETA_SLOW = 1;

export interface HfRope {
  readonly theta: number;
  readonly scaling: RopeScaling;
  /** Longest context in tokens, scaling included. */
  readonly contextLength: number;
}

/** Rotary positions of a config.json, in its older (`rope_theta`, `rope_scaling`) and newer (`rope_parameters`) form. */
export function hfRope(config: HfConfig): HfRope {
  const field = config.rope_parameters ? "rope_parameters" : "rope_scaling";
  const given: RopeParameters = config.rope_parameters ?? config.rope_scaling ?? {};
  const theta = given.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  const scaling = scalingOf(given, field, config.max_position_embeddings);
  const stretched = scaling.kind === "yarn" ? Math.floor(scaling.originalContext * scaling.factor) : 0;
  return { theta, scaling, contextLength: Math.max(config.max_position_embeddings, stretched) };
}

function scalingOf(given: RopeParameters, field: string, maxPositions: number): RopeScaling {
  const type = given.rope_type ?? given.type ?? "default";
  const need = <K extends keyof RopeParameters>(key: K): NonNullable<RopeParameters[K]> => {
    const value = given[key];
    if (value === undefined || value === null) throw invalid(`${field}.${key}`, `${type} scaling needs it`);
    return value;
  };
  switch (type) {
    case "default":
      if (given.factor !== undefined && given.factor !== 1) throw invalid(`${field}.rope_type`, "a factor, but no kind of scaling");
      return { kind: "none" };
    case "linear":
      return { kind: "linear", factor: need("factor") };
    case "llama3": {
      const lowFrequencyFactor = need("low_freq_factor");
      const highFrequencyFactor = need("high_freq_factor");
      if (!(highFrequencyFactor > lowFrequencyFactor)) throw invalid(`${field}.high_freq_factor`, "it must be above low_freq_factor");
      const originalContext = need("original_max_position_embeddings");
      return { kind: "llama3", factor: need("factor"), lowFrequencyFactor, highFrequencyFactor, originalContext };
    }
    case "yarn":
      return yarn(given, field, maxPositions);
    default:
      throw unsupported(`${field}.rope_type`, type);
  }
}

function yarn(given: RopeParameters, field: string, maxPositions: number): RopeScaling {
  if (given.factor === undefined) throw invalid(`${field}.factor`, "yarn scaling needs it");
  if (given.truncate === false) throw unsupported(`${field}.truncate`, "false");
  for (const key of ["mscale", "mscale_all_dim"] as const) {
    if (given[key] !== undefined && given[key] !== null) throw unsupported(`${field}.${key}`, String(given[key]));
  }
  return {
    kind: "yarn",
    factor: given.factor,
    originalContext: given.original_max_position_embeddings ?? maxPositions,
    betaFast: given.beta_fast ?? BETA_FAST,
    betaSlow: given.beta_slow ?? BETA_SLOW,
    attentionFactor: given.attention_factor ?? yarnAttentionFactor(given.factor),
  };
}
