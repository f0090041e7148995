import { assert } from "../../base/assert.ts";
import type { Graph, OperatorId, TensorId } from "../ir/graph.ts";
import { readBy } from "../ir/read-by.ts";

/** What enters and leaves a set of operators, by number. */
export interface StageBoundary {
  /** Distinct, in the graph's order. */
  readonly operators: readonly OperatorId[];
  /** Stored tensors that are read. */
  readonly stored: readonly TensorId[];
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
}

/**
 * What a convex set of operators reads and what others read of it.
 *
 * Errors: an assertion where an operator is not in the graph, or a path leaves the set and comes back.
 * Complexity: linear in the operators from the set's first to the graph's last.
 */
export function stageBoundary(graph: Graph, asked: readonly OperatorId[]): StageBoundary {
  const operators = [...new Set(asked)].sort((a, b) => a - b);
  for (const id of operators) assert(graph.operators[id] !== undefined, "a stage's operators are in the graph", { operator: id });
  const inside = new Set(operators);
  const made = new Set(operators.flatMap((id) => graph.operators[id]!.outputs.filter((tensor) => tensor !== undefined)));
  const read = new Set(operators.flatMap((id) => readBy(graph.operators[id]!)));
  const outside = [...read].filter((id) => !made.has(id)).sort((a, b) => a - b);
  const isStored = (id: TensorId): boolean => graph.tensors[id]!.origin === "weight" || graph.tensors[id]!.origin === "constant";

  const wanted = new Set(graph.outputs.filter((id) => made.has(id)));
  /** Made outside from what the stage makes. */
  const after = new Set<TensorId>();
  for (let id = operators[0] ?? graph.operators.length; id < graph.operators.length; id++) {
    const operator = graph.operators[id]!;
    const reads = readBy(operator);
    if (inside.has(id)) {
      const back = reads.find((tensor) => after.has(tensor));
      assert(back === undefined, "a stage is convex", { operator: id, tensor: back });
      continue;
    }
    for (const tensor of reads) if (made.has(tensor)) wanted.add(tensor);
    if (reads.some((tensor) => made.has(tensor) || after.has(tensor))) {
      for (const tensor of operator.outputs) if (tensor !== undefined) after.add(tensor);
    }
  }
  return {
    operators,
    stored: outside.filter(isStored),
    inputs: outside.filter((id) => !isStored(id)),
    outputs: [...wanted].sort((a, b) => a - b),
  };
}
