import { z } from "zod";
import { HeddleError } from "../../base/heddle-error.ts";
import type { DecoderFamily } from "../decoder/spec.ts";

const size = z.int().min(1).max(2147483647);
const positive = z.number().positive();

const ropeParameters = z.object({
  type: z.string().optional(),
  rope_type: z.string().optional(),
  factor: positive.optional(),
  rope_theta: positive.optional(),
  original_max_position_embeddings: size.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  beta_fast: positive.optional(),
  beta_slow: positive.optional(),
  attention_factor: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
});

export type RopeParameters = z.infer<typeof ropeParameters>;

const tokenIds = z.union([z.int().min(0), z.array(z.int().min(0))]).nullish();

const configSchema = z.object({
  model_type: z.string(),
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  vocab_size: size,
  max_position_embeddings: size,
  rms_norm_eps: positive,
  rope_theta: positive.nullish(),
  rope_scaling: ropeParameters.nullish(),
  rope_parameters: ropeParameters.nullish(),
  rope_interleaved: z.boolean().nullish(),
  partial_rotary_factor: z.number().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  hidden_act: z.string().nullish(),
  sliding_window: z.int().min(0).nullish(),
  use_sliding_window: z.boolean().nullish(),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  eos_token_id: tokenIds,
  bos_token_id: tokenIds,
});

export type HfConfig = z.infer<typeof configSchema>;

const FAMILIES: ReadonlyMap<string, DecoderFamily> = new Map([
  ["llama", "llama"],
  ["mistral", "mistral"],
  ["qwen2", "qwen2"],
  ["qwen3", "qwen3"],
]);

/**
 * Parses a config.json. Fields the families' reference code does not look at are left alone; those that change the arithmetic in a way
 * heddle does not compute are refused.
 *
 * Errors: `model-config-invalid` and `model-unsupported`, naming the field.
 */
export function parseHfConfig(text: string): HfConfig & { readonly family: DecoderFamily } {
  const raw = parseJson(text, "config.json");
  const type = typeof raw === "object" && raw !== null && "model_type" in raw ? raw.model_type : undefined;
  const family = typeof type === "string" ? FAMILIES.get(type) : undefined;
  if (typeof type === "string" && family === undefined) throw unsupported("model_type", type);
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(issue?.path.join(".") || "the document", issue?.message ?? "it is not an object");
  }
  if (family === undefined) throw invalid("model_type", "it is missing");
  refuseFeatures(parsed.data, family);
  return { ...parsed.data, family };
}

/** JSON of a model's folder. Errors: `model-config-invalid` naming the file. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HeddleError("model-config-invalid", { where: file, detail: "it is not JSON", cause });
  }
}

function refuseFeatures(config: HfConfig, family: DecoderFamily): void {
  const { hidden_act: activation = "silu", partial_rotary_factor: partial } = config;
  if (activation !== null && activation !== "silu") throw unsupported("hidden_act", activation);
  if (config.quantization_config !== undefined && config.quantization_config !== null) {
    throw unsupported("quantization_config", "weights quantised by another tool; take the original or a GGUF file");
  }
  if (config.attention_bias === true) throw unsupported("attention_bias", "true");
  if (config.mlp_bias === true) throw unsupported("mlp_bias", "true");
  if (config.rope_interleaved === true) throw unsupported("rope_interleaved", "true");
  if (partial !== undefined && partial !== null && partial !== 1) throw unsupported("partial_rotary_factor", String(partial));
  const other = config.layer_types?.find((kind) => kind !== "full_attention");
  if (other !== undefined) throw unsupported("layer_types", other);
  const window = config.sliding_window ?? 0;
  const windowUsed = family === "mistral" || config.use_sliding_window === true;
  if (windowUsed && window > 0 && window < config.max_position_embeddings) {
    throw unsupported("sliding_window", `${window} tokens of ${config.max_position_embeddings}`);
  }
}

export function invalid(field: string, detail: string): HeddleError {
  return new HeddleError("model-config-invalid", { where: `config.json, ${field}`, detail });
}

export function unsupported(field: string, detail: string): HeddleError {
  return new HeddleError("model-unsupported", { where: `config.json, ${field}`, detail });
}
