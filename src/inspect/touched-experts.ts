import { pow } from "../base/math.ts";
import { type Bindings, type Expression, symbol } from "../graph/ir/expression.ts";
import { BATCH, type Graph, TOKENS } from "../graph/ir/graph.ts";

/** Symbol of the experts that the tokens of a run visit in a layer, of `count` where each visits `active`. */
export function touched({ count, active }: { readonly count: number; readonly active: number }): Expression {
  return symbol(nameOf(count, active));
}

function nameOf(count: number, active: number): string {
  return `touched(${count},${active})`;
}

/**
 * Expected experts visited in a layer when every expert is as likely: N·(1 − (1 − k/N)^T).
 * Source: the chance that none of T tokens, each choosing k of N at random, chooses an expert. Real routing is skewed and touches fewer.
 */
export function touchedBindings(graph: Graph, sizes: Bindings): Bindings {
  const rows = (sizes[BATCH] ?? 0) * (sizes[TOKENS] ?? 0);
  const bindings: Record<string, number> = {};
  for (const { experts } of graph.tensors) {
    if (experts === undefined) continue;
    const { count, active } = experts;
    Object.assign(bindings, touchedBy({ count, active, rows }));
  }
  return bindings;
}

/** The value of the symbol, where `rows` tokens each choose `active` of `count`. */
export function touchedBy({ count, active, rows }: { readonly count: number; readonly active: number; readonly rows: number }): Bindings {
  return { [nameOf(count, active)]: active === count ? count : count * (1 - pow(1 - active / count, rows)) };
}
