import { must } from "../base/assert.ts";
import { add, constant, type Expression, multiply } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Graph, type State, type Tensor, type TensorId } from "../graph/ir/graph.ts";
import { productOf } from "../graph/shapes/size-arithmetic.ts";

/** Elements of a tensor or state. */
export function elementCount(shape: readonly Expression[] | undefined): Expression {
  return multiply(...must(shape, "a tensor of a configuration has a shape"));
}

export function bytesOfTensor(tensor: Pick<Tensor | State, "shape" | "type">): Expression {
  return multiply(constant(ELEMENT_BYTES[tensor.type]), elementCount(tensor.shape));
}

/** Elements of a tensor whose sizes are known; undefined too where their product is too long to write down. */
export function knownElements(shape: readonly Expression[] | undefined): Expression | undefined {
  return shape && productOf(shape);
}

/** Bytes of a tensor; undefined where its sizes are not known, or its elements have no fixed size. */
export function knownBytes({ shape, type }: Pick<Tensor, "shape" | "type">): Expression | undefined {
  const elements = knownElements(shape);
  return elements === undefined || ELEMENT_BYTES[type] === 0 ? undefined : multiply(constant(ELEMENT_BYTES[type]), elements);
}

/** Undefined where a part is. */
export function sumOfKnown(parts: readonly (Expression | undefined)[]): Expression | undefined {
  return parts.every((part) => part !== undefined) ? add(...parts) : undefined;
}

/** Tensors an operator names that are there. */
export function tensorsOf(graph: Graph, ids: readonly (TensorId | undefined)[]): readonly Tensor[] {
  return ids.filter((id) => id !== undefined).map((id) => graph.tensors[id]!);
}
