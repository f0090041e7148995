import { add, constant, type Expression } from "../../graph/ir/expression.ts";
import type { FlopRule } from "./flop-rule.ts";
import { multiplyAdds, shapeAt } from "./operands.ts";

/**
 * Contracts its operands in pairs from the left, as runtimes do: a pair costs a multiply-add for every combination of its labels where some label
 * ends there; sums over labels of one operand, products without a sum and transpositions are elementwise and cost none.
 *
 * Source: ONNX operator spec, Einsum.
 */
export const einsum: FlopRule = (graph, operator) => {
  const equation = String(operator.attributes["equation"] ?? "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const shapes = left.split(",").map((_, place) => shapeAt(graph, operator, place));
  if (!shapes.every((shape) => shape !== undefined)) return undefined;
  const sizes = new Map<string, Expression>();
  const terms = left.split(",").map((term, place) => labelsOf(term, shapes[place]!, sizes));
  if (!terms.every((term) => term !== undefined)) return undefined;
  const named = right === undefined ? once(left) : [...right.replace("...", "")];
  const result = new Set([...named, ...terms.flatMap((term) => [...term].filter((label) => label.startsWith(".")))]);
  const costs: (Expression | undefined)[] = [];
  let reached = kept(terms[0]!, terms.slice(1), result);
  for (let next = 1; next < terms.length; next++) {
    const later = terms.slice(next + 1);
    const own = kept(terms[next]!, [reached, ...later], result);
    const both = new Set([...reached, ...own]);
    const rest = kept(both, later, result);
    if (rest.size < both.size) costs.push(multiplyAdds([...both].map((label) => sizes.get(label))));
    reached = rest;
  }
  return costs.every((cost) => cost !== undefined) ? add(constant(0), ...costs) : undefined;
};

/** Labels that something later or the result still reads; the others are summed before. */
function kept(labels: ReadonlySet<string>, later: readonly ReadonlySet<string>[], result: ReadonlySet<string>): Set<string> {
  return new Set([...labels].filter((label) => result.has(label) || later.some((each) => each.has(label))));
}

/** Axes that an ellipsis stands for are called by their place from the end: `.1`, `.2`. */
function labelsOf(term: string, shape: readonly Expression[], sizes: Map<string, Expression>): ReadonlySet<string> | undefined {
  const [before = "", after] = term.split("...");
  const dots = shape.length - before.length - (after?.length ?? 0);
  if (dots < 0 || (after === undefined && dots > 0)) return undefined;
  const labels = [...before, ...Array.from({ length: dots }, (_, at) => `.${dots - at}`), ...(after ?? "")];
  labels.forEach((label, axis) => {
    const known = sizes.get(label);
    // Where sizes broadcast, the one that is not 1 counts.
    if (known === undefined || (known.terms.length === 1 && known.terms[0]!.factors.length === 0 && known.terms[0]!.coefficient === 1))
      sizes.set(label, shape[axis]!);
  });
  return new Set(labels);
}

/** Without an arrow the result has the labels that occur once. */
function once(text: string): readonly string[] {
  const labels = [...text].filter((label) => /[A-Za-z]/.test(label));
  return labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
}
