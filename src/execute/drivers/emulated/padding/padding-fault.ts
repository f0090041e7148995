import type { Graph, OperatorId } from "../../../../graph/ir/graph.ts";
import type { StageModel } from "../../../../graph/program/program.ts";
import { axesOf, axisOf, paddedPlaces } from "./axes.ts";
import { PADDING_RULES } from "./rules.ts";

const DOMAINS: readonly string[] = ["onnx", "com.microsoft"];

/** Why an operator's results would change if sizes that are symbols were padded; undefined where they would not. */
export function paddingFault(graph: Graph, id: OperatorId): string | undefined {
  const operator = graph.operators[id]!;
  const axes = axesOf(graph, operator);
  if (typeof axes === "string") return axes;
  if ([...axes.inputs, ...axes.outputs].every((each) => paddedPlaces(each).length === 0)) return undefined;
  const known = DOMAINS.includes(operator.domain) && Object.hasOwn(PADDING_RULES, operator.type);
  if (operator.bodies !== undefined || !known) return "no rule says that padding leaves its results as they are";
  return PADDING_RULES[operator.type]!(axes);
}

/** Why a port could not be padded or cut back. */
export function portFault({ inputs, outputs }: StageModel): string | undefined {
  const wrong = [...inputs, ...outputs].find(({ shape }) => shape === undefined || shape.some((size) => axisOf(size) === undefined));
  return wrong && `the size of ${wrong.name} is no symbol or number, so it cannot be padded and cut back`;
}
