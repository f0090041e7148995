import type { Operator, TensorId } from "./graph.ts";

/** Tensors an operator depends on, those its bodies name included. */
export function readBy({ inputs, bodies = [] }: Operator): readonly TensorId[] {
  const captured = bodies.flatMap(({ captures }) => captures.map(({ outer }) => outer));
  return [...inputs, ...captured].filter((id) => id !== undefined);
}
