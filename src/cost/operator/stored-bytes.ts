import type { PeakType } from "../../rack/peak-type.ts";

/** Whole numbers of 4 bits that share a scale of 16 bits, where a checkpoint says nothing else. */
const I4_GROUP = 128;
const SCALE_BYTES = 2;
/** An 8-bit scale for each 16 floats of 4 bits (NVFP4). */
const F4_SCALES = 1 / 16;

/**
 * Bytes an element takes in memory, and a kernel reads, with the scales of its block: what memory has room for and what bandwidth carries. The payload
 * alone, as a file's tensor of that type has it, is `ELEMENT_BYTES` of `graph/ir/graph.ts`.
 *
 * Source: 4-bit whole numbers: groups of 128 with one 16-bit scale, as GPTQ and AWQ checkpoints have by default and as aiconfigurator's int4_wo rows were
 * measured (collector/vllm/collect_moe.py); other groups: `storedBytes`. NVFP4: one e4m3 scale for 16 values; MXFP4 (one for 32) takes 6 % less. Scales of 8-bit formats
 * are one for 128 x 128 values or a row and count as nothing.
 */
export const STORED_BYTES: Readonly<Record<PeakType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8e4m3: 1,
  f8e5m2: 1,
  f4e2m1: 0.5 + F4_SCALES,
  i8: 1,
  i4: 0.5 + SCALE_BYTES / I4_GROUP,
};

/** Bytes of a weight whose groups of `group` 4-bit whole numbers have a scale each: groups of 32 (Kimi-K2-Thinking) take 9 % more than those of 128. */
export function storedBytes(type: PeakType, group: number | undefined): number {
  return type === "i4" && group !== undefined ? 0.5 + SCALE_BYTES / group : STORED_BYTES[type];
}
