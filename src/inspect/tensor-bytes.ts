import { must } from "../base/assert.ts";
import { add, constant, type Expression, multiply } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Graph, type State, type Tensor, type TensorId } from "../graph/ir/graph.ts";
import { productOf } from "../graph/shapes/size-arithmetic.ts";

/** Elements of a tensor or state. */
export function elementCount(shape: readonly Expression[] | undefined): Expression {
  return multiply(...must(shape, "a tensor of a configuration has a shape"));
}

/** Bytes of a tensor's elements, without scales of block formats; 0 where its type has no fixed size. */
export function bytesOfTensor(tensor: Pick<Tensor | State, "shape" | "type">): Expression {
  return multiply(constant(ELEMENT_BYTES[tensor.type]), elementCount(tensor.shape));
}

interface KnownOfShape {
  readonly elements: Expression | undefined;
  /** By bytes of an element. */
  readonly bytes: Map<number, Expression>;
}

/** Products of shapes, by the shape itself, which nobody changes: they are asked for at every size a graph is priced at. */
const products = new WeakMap<readonly Expression[], KnownOfShape>();

function knownOf(shape: readonly Expression[]): KnownOfShape {
  const known = products.get(shape) ?? { elements: productOf(shape), bytes: new Map() };
  products.set(shape, known);
  return known;
}

/** Elements of a tensor whose sizes are known; undefined too where their product is too long to write down. */
export function knownElements(shape: readonly Expression[] | undefined): Expression | undefined {
  return shape && knownOf(shape).elements;
}

/** Bytes of a tensor; undefined where its sizes are not known, or its elements have no fixed size. */
export function knownBytes({ shape, type }: Pick<Tensor, "shape" | "type">): Expression | undefined {
  const elementBytes = ELEMENT_BYTES[type];
  if (shape === undefined || elementBytes === 0) return undefined;
  const { elements, bytes } = knownOf(shape);
  if (elements === undefined) return undefined;
  const known = bytes.get(elementBytes) ?? multiply(constant(elementBytes), elements);
  bytes.set(elementBytes, known);
  return known;
}

/** Undefined where a part is. */
export function sumOfKnown(parts: readonly (Expression | undefined)[]): Expression | undefined {
  return parts.every((part) => part !== undefined) ? add(...parts) : undefined;
}

/** Tensors an operator names that are there. */
export function tensorsOf(graph: Graph, ids: readonly (TensorId | undefined)[]): readonly Tensor[] {
  return ids.filter((id) => id !== undefined).map((id) => graph.tensors[id]!);
}
