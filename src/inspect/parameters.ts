import { must } from "../base/assert.ts";
import type { ActiveConvention } from "../graph/architecture/architecture.ts";
import { constantOf } from "../graph/ir/expression.ts";
import type { Graph, Tensor } from "../graph/ir/graph.ts";
import { parameterFactors } from "./quantised-operands.ts";

/** Learned numbers of a graph. Tied tensors count once. */
export interface Parameters {
  readonly total: number;
  /** Of all experts a router chooses from. */
  readonly routed: number;
  /** Of those experts a token visits. */
  readonly routedActive: number;
  /** Tables that are only looked up, never multiplied with: a token reads a row of them. */
  readonly lookedUp: number;
  /** Of encoders before the last stack, which a token of text does not pass. */
  readonly encoders: number;
}

const LOOK_UPS: ReadonlySet<string> = new Set(["Gather", "EmbeddingBag"]);

/** `encoders` are the beginnings of the names of the stacks before the last. */
export function parametersOf(graph: Graph, encoders: readonly string[] = []): Parameters {
  const multiplied = new Set(graph.operators.filter(({ type }) => !LOOK_UPS.has(type)).flatMap(({ inputs }) => inputs));
  const sums = { total: 0, routed: 0, routedActive: 0, lookedUp: 0, encoders: 0 };
  const counts = parameterCounts(graph);
  for (const [id, tensor] of graph.tensors.entries()) {
    if (tensor.origin !== "weight") continue;
    const elements = counts.get(tensor) ?? 0;
    sums.total += elements;
    if (encoders.some((prefix) => tensor.name.startsWith(prefix))) {
      sums.encoders += elements;
      continue;
    }
    if (tensor.experts !== undefined) {
      sums.routed += elements;
      sums.routedActive += (elements / tensor.experts.count) * tensor.experts.active;
    }
    if (!multiplied.has(id)) sums.lookedUp += elements;
  }
  for (const tensor of innerWeightsOf(graph)) sums.total += counts.get(tensor) ?? 0;
  return sums;
}

/** Parameters that one token of text uses, counted as the publisher of the model counts. */
export function activeParameters(parameters: Parameters, convention: ActiveConvention): number {
  const { total, encoders, routed, routedActive, lookedUp } = parameters;
  const used = total - encoders - routed + routedActive;
  return convention === "all" ? used : used - lookedUp;
}

/** Learned numbers in each weight: of packed ones more than elements, of scales and zero points none. */
export function parameterCounts(graph: Graph): ReadonlyMap<Tensor, number> {
  const factors = parameterFactors(graph);
  const weights = [...graph.tensors.filter(({ origin }) => origin === "weight"), ...innerWeightsOf(graph)];
  return new Map(weights.map((tensor) => [tensor, elementsOf(tensor) * (factors.get(tensor) ?? 1)]));
}

/** Weights of graphs inside operators. */
export function innerWeightsOf(graph: Graph): readonly Tensor[] {
  return graph.operators.flatMap(({ bodies = [] }) =>
    bodies.flatMap((body) => [...body.graph.tensors.filter(({ origin }) => origin === "weight"), ...innerWeightsOf(body.graph)]),
  );
}

/** Elements of a weight; weights have no symbols in their shapes. */
export function elementsOf(tensor: Tensor): number {
  const sizes = must(tensor.shape, "a weight has a shape").map((size) => must(constantOf(size), "a weight's size is a number"));
  return sizes.reduce((product, size) => product * size, 1);
}
