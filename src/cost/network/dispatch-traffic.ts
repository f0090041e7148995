import { exp, ln } from "../../base/math.ts";
import type { DispatchQuery } from "../operator/operator-query.ts";

/**
 * Distinct groups of `groups` that hold one of the `active` experts of a token, on average, when a gate draws them evenly without repetition and each group holds
 * as many of the `experts`.
 *
 * Model: G x (1 - C(N - N/G, k) / C(N, k)). Source: as DeepEP sizes its buffers (deepseek-ai/DeepEP@dd758ca); real routing is within 1 % of it
 * where placement knows nothing of affinity.
 */
export function distinctGroups(experts: number, groups: number, active: number): number {
  if (experts - experts / groups < active) return Math.min(groups, active);
  return groups * (1 - shareOfMisses(experts, experts / groups, active));
}

/** Probability that `draws` without repetition out of `all` miss all of `wanted`: C(all - wanted, draws) / C(all, draws). */
function shareOfMisses(all: number, wanted: number, draws: number): number {
  if (all - wanted < draws) return 0;
  let lnNone = 0;
  for (let i = 0; i < draws; i++) lnNone += ln((all - wanted - i) / (all - i));
  return exp(lnNone);
}

/**
 * Distinct units (ranks or nodes, of neighbouring experts, as many on each) that a token goes to, on average, where its gate first chooses groups of experts.
 *
 * Model: each chosen group is visited by one expert, the others are drawn evenly from the chosen groups. Against gates on random scores (largest score of a
 * group, or sum of its two largest) of 8 groups, 4 chosen, 8 of 256 experts: within 1.5 % on 2 to 16 nodes and their ranks. Units that straddle groups
 * (18 nodes of 8 groups) are taken as fractions of a group.
 */
export function visitedUnits({ experts, active, gate }: Pick<DispatchQuery, "experts" | "active" | "gate">, units: number): number {
  if (gate === undefined || gate.chosen >= gate.groups) return distinctGroups(experts, units, active);
  const chosen = Math.min(gate.chosen, active);
  const inGroup = units / gate.groups;
  if (inGroup <= 1) return distinctGroups(gate.groups, units, chosen);
  const others = chosen * (experts / gate.groups) - chosen;
  const missed = (1 - 1 / inGroup) * shareOfMisses(others, experts / units, active - chosen);
  return chosen * inGroup * (1 - missed);
}

/** Of these, those that are not the token's own. */
export function remoteUnits(query: Pick<DispatchQuery, "experts" | "active" | "gate">, units: number): number {
  return (visitedUnits(query, units) * (units - 1)) / units;
}

/** Elements that share one scale in block-scaled 8-bit values, and its bytes. Source: DeepSeek-V3's format, as DeepEP sends it. */
const SCALE_BLOCK = 128;
const SCALE_BYTES = 4;

/** Bytes of one token's values: 8-bit with a 32-bit scale a block of 128, or 16-bit. */
export function tokenBytes(width: number, bits: 8 | 16): number {
  return bits === 8 ? width + (width / SCALE_BLOCK) * SCALE_BYTES : 2 * width;
}
