import { constantOf } from "../../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../../graph/ir/graph.ts";

/**
 * What OpenVINO takes and computes wrongly. Found by `heddle validate-device` with 2026.4 on the CPU: `GroupQueryAttention` gives no rows for two
 * sequences, and where all sizes are fixed it takes the past for a buffer of its final length and gives keys and values as long as the past.
 */
export function computedWrongly(operator: Operator, graph: Graph): string | undefined {
  for (const { graph: inner } of operator.bodies ?? []) {
    for (const each of inner.operators) {
      const reason = computedWrongly(each, inner);
      if (reason !== undefined) return reason;
    }
  }
  if (operator.type !== "GroupQueryAttention" || operator.domain !== "com.microsoft") return undefined;
  const [query, key, , past] = operator.inputs.map((id) => (id === undefined ? undefined : graph.tensors[id]!.shape));
  const batch = query?.[0];
  if (batch === undefined || constantOf(batch) !== 1)
    return "OpenVINO computes it right for one sequence only, and here their number is not known to be 1";
  const lengths = [key?.[1], past?.[2]];
  if (lengths.some((length) => length !== undefined && constantOf(length) === undefined)) return undefined;
  return "OpenVINO computes it right where the number of new or of past tokens is open, and here both are fixed";
}
