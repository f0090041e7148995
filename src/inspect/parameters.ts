import { must } from "../base/assert.ts";
import type { ActiveConvention } from "../graph/architecture/architecture.ts";
import { constantOf } from "../graph/ir/expression.ts";
import type { Graph, Tensor } from "../graph/ir/graph.ts";

/** Learned numbers of a graph. Tied tensors count once. */
export interface Parameters {
  readonly total: number;
  /** Of all experts a router chooses from. */
  readonly routed: number;
  /** Of those experts a token visits. */
  readonly routedActive: number;
  /** Tables that are only looked up, never multiplied with: a token reads a row of them. */
  readonly lookedUp: number;
}

export function parametersOf(graph: Graph): Parameters {
  const multiplied = new Set(graph.operators.filter(({ type }) => !LOOK_UPS.has(type)).flatMap(({ inputs }) => inputs));
  const sums = { total: 0, routed: 0, routedActive: 0, lookedUp: 0 };
  for (const [id, tensor] of graph.tensors.entries()) {
    if (tensor.origin !== "weight") continue;
    const elements = elementsOf(tensor);
    sums.total += elements;
    if (tensor.experts !== undefined) {
      sums.routed += elements;
      sums.routedActive += (elements / tensor.experts.count) * tensor.experts.active;
    }
    if (!multiplied.has(id)) sums.lookedUp += elements;
  }
  return sums;
}

const LOOK_UPS: ReadonlySet<string> = new Set(["Gather", "EmbeddingBag"]);

/** Parameters that one token uses, counted as the publisher of the model counts. */
export function activeParameters({ total, routed, routedActive, lookedUp }: Parameters, convention: ActiveConvention): number {
  const used = total - routed + routedActive;
  return convention === "all" ? used : used - lookedUp;
}

/** Elements of a weight; weights have no symbols in their shapes. */
export function elementsOf(tensor: Tensor): number {
  const sizes = must(tensor.shape, "a weight has a shape").map((size) => must(constantOf(size), "a weight's size is a number"));
  return sizes.reduce((product, size) => product * size, 1);
}
