import { z } from "zod";
import { HeddleError } from "../../../base/heddle-error.ts";
import type { DataType } from "../../ir/graph.ts";

/** Most elements of a dimension, layers of a stack and experts of a layer: far beyond published models, small enough to count with. */
const DIMENSION_MAX = 16_777_216;
const LAYERS_MAX = 1024;

/** Sizes that a configuration has to name. */
export const size = z.int().min(1).max(DIMENSION_MAX);
export const layerCount = z.int().min(1).max(LAYERS_MAX);
/** A setting that may be absent or null. */
export const flag = z.boolean().nullish();
export const optionalSize = size.nullish();

/** Element types by the names configurations use. */
const TYPES: Readonly<Record<string, DataType>> = { float32: "f32", float16: "f16", bfloat16: "bf16", float8_e4m3fn: "f8e4m3" };

/** Fields of every family. */
export const commonFields = {
  model_type: z.string(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  quantization_config: z.unknown().optional(),
};

export function typeOf(config: {
  readonly torch_dtype?: string | null | undefined;
  readonly dtype?: string | null | undefined;
}): DataType | undefined {
  return TYPES[config.dtype ?? config.torch_dtype ?? ""];
}

/** Says what counting by shape does not see. */
export function quantisationNotes(config: { readonly quantization_config?: unknown }): readonly string[] {
  if (config.quantization_config === undefined || config.quantization_config === null) return [];
  return ["the published weights are quantised; bytes here are those of the dtype asked for, without scales"];
}

/** Checks a configuration. Errors: `model-config-invalid` naming the field that is missing or wrong. */
export function readFields<T extends z.ZodType>(schema: T, raw: unknown, path = ""): z.output<T> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = [path, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  const missing = issue?.code === "invalid_type" && issue.message.endsWith("received undefined");
  throw invalidField(
    field || "the document",
    missing ? `it is missing; ${issue.expected} is meant` : (issue?.message ?? "it is not understood"),
  );
}

export function invalidField(field: string, detail: string): HeddleError {
  return new HeddleError("model-config-invalid", { where: `config.json, ${field}`, detail });
}

/** A setting whose layers are not described. */
export function unknownSetting(field: string, detail: string): HeddleError {
  return new HeddleError("architecture-unknown", { where: `config.json, ${field}`, detail });
}

/** Errors: `model-config-invalid` where `part` does not divide `whole`. */
export function divide(whole: number, part: number, field: string): number {
  if (whole % part !== 0) throw invalidField(field, `${part} does not divide ${whole}`);
  return whole / part;
}
