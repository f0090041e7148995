import { deepseekDecodeNode, deepseekPrefillNode, sglangDecodeNode, sglangPrefillNode } from "./deepseek-claims.ts";
import { disaggregationGain } from "./distserve-claims.ts";
import { expertRankImbalance } from "./expert-claims.ts";
import { megatronFigures } from "./megatron-claims.ts";
import { PUBLISHED_CLAIMS, type PublishedClaim } from "./published-claims.ts";

/** A published claim with heddle's own figure for it. */
export interface ComputedClaim {
  readonly id: string;
  /** Heddle's figure in the unit of the claim. */
  readonly computed: number;
  /** Computed over published, less 1. */
  readonly deviation: number;
  /** Within the tolerance that was fixed before. */
  readonly inside: boolean;
}

/** How each claim is computed; nothing is fitted to the claims. Units: those of the claim. */
const FIGURES: Readonly<Record<string, () => number>> = {
  "deepseek-decode-node": deepseekDecodeNode,
  "deepseek-prefill-node": deepseekPrefillNode,
  "sglang-prefill-node": sglangPrefillNode,
  "sglang-decode-node": sglangDecodeNode,
  "megatron-175b-step": () => megatronFigures()["megatron-175b-step"],
  "megatron-530b-step": () => megatronFigures()["megatron-530b-step"],
  "megatron-1t-step": () => megatronFigures()["megatron-1t-step"],
  "megatron-1t-3072": () => megatronFigures()["megatron-1t-3072"],
  "eplb-imbalance": expertRankImbalance,
  "distserve-goodput": disaggregationGain,
};

/** Computes the published claims there is a model for, in their order. */
export function computeClaims(claims: readonly PublishedClaim[] = PUBLISHED_CLAIMS): readonly ComputedClaim[] {
  return claims.flatMap((claim) => {
    const figure = FIGURES[claim.id];
    return figure === undefined ? [] : [judgeClaim(claim, figure())];
  });
}

/** Holds a computed figure against a claim. */
export function judgeClaim({ id, value, tolerance }: PublishedClaim, computed: number): ComputedClaim {
  const deviation = computed / value - 1;
  return { id, computed, deviation, inside: Math.abs(deviation) <= tolerance };
}
