import type { OperatorQuery } from "../../operator/operator-query.ts";

/**
 * One operator of every iteration, as a function of what the fullest device has to do. Several queries: ways to do it, of which engines take the
 * quickest. `repeat` of an iteration, over all layers.
 *
 * - `tokens`: new tokens of a data-parallel rank; `group-tokens`: of all ranks that share experts; `sequences`: rows that are sampled;
 * - `decode`: decoding sequences of a rank and their mean context; `prefill`: prompts, new tokens of each, and tokens cached before them.
 */
export type Term = { readonly name: TermName; readonly repeat: number } & (
  | { readonly over: "tokens" | "group-tokens" | "sequences"; readonly queries: (count: number) => readonly OperatorQuery[] }
  | { readonly over: "decode"; readonly queries: (batch: number, context: number) => readonly OperatorQuery[] }
  | { readonly over: "prefill"; readonly queries: (batch: number, tokens: number, context: number) => readonly OperatorQuery[] }
);

/** What a part of an iteration is, in reports. */
export type TermName =
  | "projections"
  | "attention"
  | "mixer"
  | "feed-forward"
  | "experts"
  | "router"
  | "norms"
  | "head"
  | "tensor exchange"
  | "expert exchange"
  | "context exchange"
  | "stage exchange";

/** What engines' constants tell apart: attention, grouped products, other compute, and what links do. */
export type TermClass = "attention" | "experts" | "compute" | "exchange";

export function classOf(name: TermName): TermClass {
  if (name.endsWith("exchange")) return "exchange";
  return name === "experts" || name === "attention" ? name : "compute";
}
