import { constant, type Expression } from "../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../graph/ir/graph.ts";

/**
 * Floating-point operations of one operator: 2 a multiply-add. Operators that do something to each element alone (norms, activations, sums,
 * pooling, reductions) and those that only move data have the rule `zero`; what has no rule is reported as unknown work, never as none.
 *
 * Returns undefined where shapes that the operations follow from are not known.
 */
export type FlopRule = (graph: Graph, operator: Operator) => Expression | undefined;

/** Rules of one domain, by the operator's type. */
export type FlopRules = Readonly<Record<string, FlopRule>>;

export const zero: FlopRule = () => constant(0);

/** The rule `zero` for operators named in texts of words. */
export function zeroFor(texts: readonly string[]): FlopRules {
  return Object.fromEntries(texts.flatMap((text) => text.split(/\s+/)).map((type) => [type, zero]));
}
