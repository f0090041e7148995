/** How the weights of a matrix product are held and multiplied on a device. `bf16`: products, attention and what is between them in bf16. */
export type ComputeFormat = "f32" | "bf16" | "int4" | "int8-row";

/**
 * Whether decoding rows share a run with a prompt's chunk: where both phases have one format, so that its weights are read once. Not in bf16:
 * kernels for few rows add up in another order than those for many, and rounding to 8 bits of mantissa makes that 1 % of a logit.
 */
export function mixesPhases({
  prefillFormat,
  decodeFormat,
}: {
  readonly prefillFormat: ComputeFormat | "file";
  readonly decodeFormat: ComputeFormat | "file";
}): boolean {
  return prefillFormat === decodeFormat && prefillFormat !== "bf16";
}
