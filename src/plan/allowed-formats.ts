import type { WeightFormat } from "../graph/decoder/weights.ts";
import type { ComputeFormat } from "../rack/rack.ts";

const BITS: Readonly<Record<WeightFormat, number>> = { F32: 32, F16: 16, BF16: 16, Q4_0: 4, Q4_1: 4, Q8_0: 8, Q4_K: 4, Q6_K: 6 };

/**
 * Compute formats the planner may choose by itself: none with fewer bits than the file's own weights, so a plan never lowers a model's precision
 * unless a pin says so. (A file of 4-bit weights may run as int4, int8, bf16 or f32; one of BF16 weights as bf16 or f32; one of F16 weights only as
 * f32, since bf16 has 8 bits of mantissa where F16 has 11. Blocks of 4 bits stay as they are in `block-int8`, all else has 8 there.)
 */
export function allowedFormats(weightFormats: readonly WeightFormat[]): readonly ComputeFormat[] {
  const bits = weightFormats.reduce((most, format) => Math.max(most, BITS[format]), 0);
  const allowed: ComputeFormat[] = ["f32"];
  if (weightFormats.every((format) => format === "BF16" || BITS[format] <= BITS.Q8_0)) allowed.push("bf16");
  if (bits <= BITS.Q8_0) allowed.push("block-int8", "int8-row");
  if (bits <= BITS.Q4_0) allowed.push("int4");
  return allowed;
}
