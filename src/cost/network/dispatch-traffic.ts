import { exp, ln } from "../../base/math.ts";

/**
 * Distinct groups of `groups` that hold one of the `active` experts of a token, on average, when a gate draws them evenly without repetition and each group holds
 * as many of the `experts`.
 *
 * Model: G x (1 - C(N - N/G, k) / C(N, k)). Source: as DeepEP sizes its buffers (deepseek-ai/DeepEP@dd758ca); real routing is within 1 % of it
 * where placement knows nothing of affinity.
 */
export function distinctGroups(experts: number, groups: number, active: number): number {
  const elsewhere = experts - experts / groups;
  if (elsewhere < active) return Math.min(groups, active);
  let lnNone = 0;
  for (let i = 0; i < active; i++) lnNone += ln((elsewhere - i) / (experts - i));
  return groups * (1 - exp(lnNone));
}

/** Of these, those that are not the token's own group. */
export function remoteGroups(experts: number, groups: number, active: number): number {
  return (distinctGroups(experts, groups, active) * (groups - 1)) / groups;
}

/** Elements that share one scale in block-scaled 8-bit values, and its bytes. Source: DeepSeek-V3's format, as DeepEP sends it. */
const SCALE_BLOCK = 128;
const SCALE_BYTES = 4;

/** Bytes of one token's values: 8-bit with a 32-bit scale a block of 128, or 16-bit. */
export function tokenBytes(width: number, bits: 8 | 16): number {
  return bits === 8 ? width + (width / SCALE_BLOCK) * SCALE_BYTES : 2 * width;
}
