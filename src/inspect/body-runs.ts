import { type Expression, symbol } from "../graph/ir/expression.ts";
import type { Body, Operator, Tensor } from "../graph/ir/graph.ts";
import type { Captured, CapturedTensor, Survey } from "./survey.ts";

/** Tensors of a body that stand for some around it. */
export function capturedBy({ graph, captures }: Body, around: Survey): Captured {
  const captured = new Map<number, CapturedTensor>();
  for (const { outer, inner } of captures) {
    if (around.stored.has(outer)) captured.set(inner, { kind: "stored", bytes: around.stored.get(outer) });
    else captured.set(inner, { kind: around.states.has(outer) ? "state" : "activation" });
  }
  // What the operator hands over is no data of the body's own either.
  for (const id of graph.inputs) captured.set(id, { kind: "activation" });
  return captured;
}

/** The name of a loop's turns where no output stacks a row a turn. */
function turnsSymbol({ name, outputs }: Operator): string {
  return `turns(${name || `loop ${outputs.find((id) => id !== undefined) ?? 0}`})`;
}

/**
 * Turns of a loop: as many as rows that are stacked, where a result is made of one row a turn; else a symbol of its own. Undefined for operators
 * that are no loops. Source: ONNX operator spec, Loop and Scan.
 */
export function turnsOf(survey: Survey, operator: Operator): Expression | undefined {
  const tensor = (id: number | undefined): Tensor | undefined => (id === undefined ? undefined : survey.graph.tensors[id]);
  if (operator.domain !== "onnx") return undefined;
  const [body] = operator.bodies ?? [];
  if (operator.type === "Loop" && body !== undefined) {
    const carried = Math.max(0, body.graph.inputs.length - 2);
    const rows = operator.outputs.slice(carried).find((id) => (tensor(id)?.shape?.length ?? 0) > 0);
    return tensor(rows)?.shape?.[0] ?? symbol(turnsSymbol(operator));
  }
  if (operator.type === "Scan" && body !== undefined) {
    const count = Number(operator.attributes["num_scan_inputs"] ?? 1);
    const first = tensor(operator.inputs[operator.inputs.length - count]);
    const axes = operator.attributes["scan_input_axes"];
    const axis = Array.isArray(axes) ? Number(axes[0]) : 0;
    return first?.shape?.at(axis) ?? symbol(turnsSymbol(operator));
  }
  return undefined;
}

/** Symbols of loops whose turns nothing else tells, inside bodies too. */
export function isTurns(name: string): boolean {
  return name.startsWith("turns(");
}
