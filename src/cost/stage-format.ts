import type { ComputeFormat } from "../rack/rack.ts";

/**
 * Weights of a phase of a stage: a format that heddle lowers products to, or `file`: as the model's file holds them, computed by a library that
 * reads the file itself.
 */
export type StageFormat = ComputeFormat | "file";
