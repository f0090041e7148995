import type { ComputeFormat, GraphFormat } from "../rack/rack.ts";

/** Formats of weights that prompts can be pinned to, and decode steps. */
export const PREFILL_FORMATS: readonly GraphFormat[] = ["f32", "bf16", "int4", "int8-row"];
export const DECODE_FORMATS: readonly ComputeFormat[] = [...PREFILL_FORMATS, "block-int8"];
