import { must } from "../base/assert.ts";
import { constant, type Expression, multiply } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Graph, type State, type Tensor, type TensorId } from "../graph/ir/graph.ts";

/** Elements of a tensor or state. */
export function elementCount(shape: readonly Expression[] | undefined): Expression {
  return multiply(...must(shape, "a tensor of a configuration has a shape"));
}

export function bytesOfTensor(tensor: Pick<Tensor | State, "shape" | "type">): Expression {
  return multiply(constant(ELEMENT_BYTES[tensor.type]), elementCount(tensor.shape));
}

/** Tensors an operator names that are there. */
export function tensorsOf(graph: Graph, ids: readonly (TensorId | undefined)[]): readonly Tensor[] {
  return ids.filter((id) => id !== undefined).map((id) => graph.tensors[id]!);
}
