import { type Bindings, type Expression, evaluate, symbolsOf } from "../../graph/ir/expression.ts";
import type { Graph, OperatorId, TensorId } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import type { Survey } from "../survey.ts";
import { knownBytes, sumOfKnown } from "../tensor-bytes.ts";

/** Who makes and who reads each tensor of a graph. */
export interface TensorUses {
  readonly producer: ReadonlyMap<TensorId, OperatorId>;
  readonly readers: ReadonlyMap<TensorId, readonly OperatorId[]>;
}

/** Who makes and who reads each tensor of a graph; an operator reads what its bodies read. */
export function tensorUsesOf(graph: Graph): TensorUses {
  const producer = new Map<TensorId, OperatorId>();
  const readers = new Map<TensorId, OperatorId[]>();
  for (const [id, operator] of graph.operators.entries()) {
    for (const output of operator.outputs) if (output !== undefined) producer.set(output, id);
    for (const input of readBy(operator)) {
      const list = readers.get(input) ?? [];
      readers.set(input, list);
      if (list.at(-1) !== id) list.push(id);
    }
  }
  return { producer, readers };
}

/**
 * Bytes of activations that come into a part of a graph from its other operators and go out to them: what links carry when the part stands alone on a
 * device. A tensor that several operators read crosses once. Inputs and outputs of the model are not counted, whoever is on the device, nor is what
 * is made of weights alone: that is there from the start.
 */
export function crossingOf(
  { graph, stored }: Survey,
  part: readonly OperatorId[],
  { producer, readers }: TensorUses,
): Expression | undefined {
  const inside = new Set(part);
  const crossing = new Set<TensorId>();
  for (const id of part) {
    const operator = graph.operators[id]!;
    for (const input of readBy(operator)) {
      const maker = producer.get(input);
      if (maker !== undefined && !inside.has(maker)) crossing.add(input);
    }
    for (const output of operator.outputs) {
      if (output !== undefined && (readers.get(output) ?? []).some((reader) => !inside.has(reader))) crossing.add(output);
    }
  }
  const moved = [...crossing].filter((id) => !stored.has(id));
  return sumOfKnown(moved.map((id) => knownBytes(graph.tensors[id]!)));
}

/** Value where every symbol has one. */
export function evaluated(expression: Expression | undefined, sizes: Bindings): number | undefined {
  if (expression === undefined || symbolsOf(expression).some((name) => sizes[name] === undefined)) return undefined;
  return evaluate(expression, sizes);
}
