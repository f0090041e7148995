import { constant, constantOf, type Expression, multiply } from "../../graph/ir/expression.ts";
import type { Graph, Operator, Tensor } from "../../graph/ir/graph.ts";
import { productOf } from "../../graph/shapes/size-arithmetic.ts";

type Shape = readonly Expression[];

/** Tensor at a place of an operator's inputs. */
export function inputOf(graph: Graph, operator: Operator, place: number): Tensor | undefined {
  const id = operator.inputs[place];
  return id === undefined ? undefined : graph.tensors[id];
}

/** Shape of an input; undefined where the operator lacks it or the graph does not say. */
export function shapeAt(graph: Graph, operator: Operator, place: number): Shape | undefined {
  return inputOf(graph, operator, place)?.shape;
}

/** Shape of an output; undefined where the operator lacks it or the graph does not say. */
export function outputShape(graph: Graph, operator: Operator, place = 0): Shape | undefined {
  const id = operator.outputs[place];
  return id === undefined ? undefined : graph.tensors[id]!.shape;
}

/** 2 operations for each element of the product of sizes; undefined where one is missing, or the formula would be too long. */
export function multiplyAdds(sizes: readonly (Expression | undefined)[]): Expression | undefined {
  if (!sizes.every((size) => size !== undefined)) return undefined;
  const product = productOf(sizes);
  return product && multiply(constant(2), product);
}

/** A number among the attributes, or what stands for its absence. */
export function attributeNumber({ attributes }: Operator, name: string, absent: number): number {
  const value = attributes[name];
  return typeof value === "number" ? value : absent;
}

/** A size that is a number above 0. */
export function positive(size: Expression | undefined): number | undefined {
  const value = size && constantOf(size);
  return value !== undefined && value > 0 ? value : undefined;
}
