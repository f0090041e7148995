import type { ComputeFormat } from "../rack/rack.ts";

/**
 * Weights of a phase of a stage: a format that heddle lowers products to, or `file`: as the model's file holds them, computed by a library that
 * reads the file itself.
 */
export type StageFormat = ComputeFormat | "file";

/**
 * Whether decoding rows share a run with a prompt's chunk, so that weights are read once: where both phases have one format. Not in bf16: kernels
 * for few rows add up in another order than those for many, and rounding to 8 bits of mantissa makes that 1 % of a logit.
 */
export function mixesPhases({ prefillFormat, decodeFormat }: PhaseFormats): boolean {
  return prefillFormat === decodeFormat && prefillFormat !== "bf16";
}

interface PhaseFormats {
  readonly prefillFormat: StageFormat;
  readonly decodeFormat: StageFormat;
}
