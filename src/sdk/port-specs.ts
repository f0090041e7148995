import { HeddleError } from "../base/heddle-error.ts";
import { isTensorType } from "../execute/device/array-types.ts";
import { constantOf, type Expression, textOf } from "../graph/ir/expression.ts";
import type { Graph, TensorId } from "../graph/ir/graph.ts";
import type { PortSpec } from "./sdk-types.ts";

/** Sizes as callers read them: numbers, and texts where a run decides. */
export function dimsOfShape(shape: readonly Expression[] | undefined): readonly (number | string)[] | undefined {
  return shape?.map((size) => constantOf(size) ?? textOf(size));
}

/** A graph's tensor as a port. Errors: `graph-invalid` for element types that no tensor of a run has. */
export function portSpec(graph: Graph, id: TensorId): PortSpec {
  const { name, type, shape } = graph.tensors[id]!;
  if (!isTensorType(type))
    throw new HeddleError("graph-invalid", { where: `${graph.name}, ${name}`, detail: `tensors of ${type} are not passed to devices` });
  return { name, type, dims: dimsOfShape(shape) };
}
