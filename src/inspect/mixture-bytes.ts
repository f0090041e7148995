import { type Bindings, constant, constantOf, type Expression, multiply } from "../graph/ir/expression.ts";
import type { Graph, Operator } from "../graph/ir/graph.ts";
import { touched, touchedBy } from "./touched-experts.ts";
import { valueAt } from "./work.ts";

/**
 * Inputs of mixtures whose first dimension counts experts: weights, their scales, biases and zero points.
 * Source: ONNX Runtime, docs/ContribOperators.md, MoE and QMoE.
 */
const FIRST_EXPERT_PLACE = 2;

/** Whether the operator is a mixture of experts as ONNX Runtime has them. */
export function isMixture({ domain, type }: Operator): boolean {
  return domain === "com.microsoft" && (type === "MoE" || type === "QMoE");
}

/** Experts a mixture chooses from: the first dimension of its first weights. */
function expertCount(graph: Graph, operator: Operator): number | undefined {
  const id = operator.inputs[FIRST_EXPERT_PLACE];
  const size = id === undefined ? undefined : graph.tensors[id]!.shape?.[0];
  const count = size && constantOf(size);
  return count !== undefined && count >= 1 ? count : undefined;
}

/** Bytes read of an input: of a mixture's experts, those that some token visits. */
export function expertBytes(graph: Graph, operator: Operator, place: number, whole: Expression | undefined): Expression | undefined {
  if (whole === undefined || !isMixture(operator) || place < FIRST_EXPERT_PLACE) return whole;
  const count = expertCount(graph, operator);
  const first = graph.tensors[operator.inputs[place]!]!.shape?.[0];
  const bytes = constantOf(whole);
  if (count === undefined || bytes === undefined || first === undefined || constantOf(first) !== count) return whole;
  return multiply(touched({ count, active: activeOf(operator, count) }), constant(bytes / count));
}

/** Experts a token visits. */
export function activeOf(operator: Operator, count: number): number {
  const active = Number(operator.attributes["k"] ?? 1);
  return active >= 1 && active <= count ? active : 1;
}

/** Values of the symbols of experts that are visited, at the sizes of a run. */
export function mixtureBindings(graph: Graph, sizes: Bindings): Bindings {
  const bindings: Record<string, number> = {};
  for (const operator of graph.operators) {
    for (const body of operator.bodies ?? []) Object.assign(bindings, mixtureBindings(body.graph, sizes));
    const count = isMixture(operator) ? expertCount(graph, operator) : undefined;
    const input = operator.inputs[0] === undefined ? undefined : graph.tensors[operator.inputs[0]]!.shape;
    if (count === undefined) continue;
    const rows = (input ?? []).slice(0, -1).reduce((product, size) => product * valueAt(size, sizes), 1);
    Object.assign(bindings, touchedBy({ count, active: activeOf(operator, count), rows }));
  }
  return bindings;
}
