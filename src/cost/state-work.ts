import { add, constant, type Expression, multiply } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Graph, type Operator, type TensorId } from "../graph/ir/graph.ts";

/** What a `heddle.state` operator does once. */
export interface StateWork {
  /** Bytes read and written. */
  readonly bytes: Expression;
  /** Floating-point operations; a multiply-add counts 2. */
  readonly flops: Expression;
}

/** Operations for each element of the named input. */
const FLOPS: Readonly<Record<string, { readonly input: number; readonly each: number }>> = {
  /** Comparison for the scale, product, rounding. */
  QuantizeInt8: { input: 0, each: 3 },
  QuantizeFp8: { input: 0, each: 3 },
  DequantizeInt8: { input: 0, each: 1 },
  DequantizeFp8: { input: 0, each: 1 },
  Combine: { input: 0, each: 2 },
};

/** How often an operator goes over an input or output, where that is not once: rows that are taken from a table are read, not the table. */
const TIMES: Readonly<Record<string, { readonly inputs?: readonly number[]; readonly outputs?: readonly number[] }>> = {
  Pack: { inputs: [0], outputs: [2] },
  /** For the scale, and for the codes. */
  QuantizeInt8: { inputs: [2] },
  QuantizeFp8: { inputs: [2] },
};

/** Bytes an operator of this type reads and writes, given those of its inputs and outputs. */
export function stateBytes(type: string, sizes: { readonly inputs: readonly number[]; readonly outputs: readonly number[] }): number {
  const sum = (side: "inputs" | "outputs"): number => sizes[side].reduce((all, bytes, i) => all + timesOf(type, side, i) * bytes, 0);
  return sum("inputs") + sum("outputs");
}

/** Sizes come from the graph; every value is read from memory and written there. */
export function stateWork(graph: Graph, operator: Operator): StateWork {
  const rule = FLOPS[operator.type];
  const side = (name: "inputs" | "outputs"): Expression[] =>
    operator[name].map((id, i) => multiply(constant(timesOf(operator.type, name, i)), bytesOf(graph, id)));
  const counted = rule === undefined ? undefined : operator.inputs[rule.input];
  return {
    bytes: add(...side("inputs"), ...side("outputs")),
    flops: rule === undefined || counted === undefined ? constant(0) : multiply(constant(rule.each), elementsOf(graph, counted)),
  };
}

function timesOf(type: string, side: "inputs" | "outputs", place: number): number {
  return TIMES[type]?.[side]?.[place] ?? 1;
}

function elementsOf(graph: Graph, id: TensorId): Expression {
  return multiply(constant(1), ...(graph.tensors[id]?.shape ?? []));
}

function bytesOf(graph: Graph, id: TensorId | undefined): Expression {
  if (id === undefined) return constant(0);
  return multiply(constant(ELEMENT_BYTES[graph.tensors[id]!.type]), elementsOf(graph, id));
}
