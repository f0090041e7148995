import { constantOf, type Expression, symbolsOf, textOf } from "../../../../graph/ir/expression.ts";
import type { Graph, Operator, TensorId } from "../../../../graph/ir/graph.ts";

/** A fixed size, or the symbol whose size is padded. */
export type Axis = number | { readonly symbol: string };

/** A tensor that an operator reads or writes, axis by axis; undefined for one that is not there. */
export type Axes = readonly Axis[] | undefined;

export interface OperatorAxes {
  readonly operator: Operator;
  readonly inputs: readonly Axes[];
  readonly outputs: readonly Axes[];
  /** By input: whether its content is stored, so that no run can change it. */
  readonly stored: readonly boolean[];
}

/** Axes of all an operator touches, or why padding cannot be followed through it. */
export function axesOf(graph: Graph, operator: Operator): OperatorAxes | string {
  const faults: string[] = [];
  const axes = (id: TensorId | undefined): Axes => {
    if (id === undefined) return undefined;
    const { name, shape } = graph.tensors[id]!;
    if (shape === undefined) faults.push(`the shape of ${name} is not known`);
    return shape?.map((size) => {
      const axis = axisOf(size);
      if (axis === undefined) faults.push(`an axis of ${name} is ${textOf(size)}, which padding would mix`);
      return axis ?? 0;
    });
  };
  const inputs = operator.inputs.map(axes);
  const outputs = operator.outputs.map(axes);
  const stored = operator.inputs.map((id) => id !== undefined && ["weight", "constant"].includes(graph.tensors[id]!.origin));
  return faults[0] ?? { operator, inputs, outputs, stored };
}

/** Undefined for a size that is neither fixed nor a symbol. */
export function axisOf(size: Expression): Axis | undefined {
  const fixed = constantOf(size);
  if (fixed !== undefined) return fixed;
  const [symbol, more] = symbolsOf(size);
  return symbol !== undefined && more === undefined && textOf(size) === symbol ? { symbol } : undefined;
}

/** Places of axes that are padded. */
export function paddedPlaces(axes: Axes): readonly number[] {
  return (axes ?? []).flatMap((axis, place) => (typeof axis === "number" ? [] : [place]));
}

export function isSameAxis(left: Axis | undefined, right: Axis | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return typeof left === "number" || typeof right === "number" ? left === right : left.symbol === right.symbol;
}

/** An axis counted from the end as one counted from the start. */
export function placeOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
