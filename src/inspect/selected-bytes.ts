import { constant, constantOf, type Expression, multiply } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Operator, type TensorId } from "../graph/ir/graph.ts";
import type { Survey } from "./survey.ts";
import { knownElements } from "./tensor-bytes.ts";

/** Bits of a byte, for tables of packed numbers. */
const BYTE_BITS = 8;

/** Bytes read of a table: as many elements as are given out, of the size they are stored in, and of its scales those that belong to them. */
export function selectedBytes(survey: Survey, operator: Operator, place: number): Expression | undefined {
  const { graph, stored } = survey;
  const [given, id] = [operator.outputs[0], operator.inputs[place]];
  const elements = given === undefined ? undefined : knownElements(graph.tensors[given]!.shape);
  if (elements === undefined || id === undefined) return undefined;
  const kept = stored.has(id) ? stored.get(id) : undefined;
  const [whole, count] = [kept && constantOf(kept), numbersIn(survey, operator, tableOf(operator, place))];
  if (whole !== undefined && count !== undefined && count > 0) return multiply(constant(whole / count), elements);
  const size = ELEMENT_BYTES[graph.tensors[id]!.type];
  return size === 0 ? undefined : multiply(constant(size), elements);
}

/** Scales and zero points have parts for the numbers of the table itself. Source: ONNX Runtime, docs/ContribOperators.md, GatherBlockQuantized. */
function tableOf(operator: Operator, place: number): TensorId | undefined {
  return operator.inputs[operator.type === "GatherBlockQuantized" ? 0 : place];
}

function numbersIn({ graph }: Survey, { type, attributes }: Operator, id: TensorId | undefined): number | undefined {
  const tensor = id === undefined ? undefined : graph.tensors[id];
  const elements = knownElements(tensor?.shape);
  const count = elements && constantOf(elements);
  const bits = Number(attributes["bits"] ?? 4);
  const packed = type === "GatherBlockQuantized" && tensor?.type === "u8" && bits > 0 && bits <= BYTE_BITS;
  return count === undefined ? undefined : count * (packed ? BYTE_BITS / bits : 1);
}
