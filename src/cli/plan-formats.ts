import type { ComputeFormat } from "../rack/rack.ts";

/** Formats of weights that prompts and decode steps can be pinned to. */
export const PLAN_FORMATS: readonly ComputeFormat[] = ["f32", "bf16", "int4", "int8-row", "block-int8"];
