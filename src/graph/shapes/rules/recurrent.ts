import { constant } from "../../ir/expression.ts";
import { factOf } from "../fact.ts";
import { integer, type Rule, text } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

/**
 * All hidden states, the last one and (LSTM) the last cell.
 *
 * Shapes: x [S, B, I] → [S, D, B, H], [D, B, H]; with layout 1 the batch comes first. D is 2 in both directions. Source: ONNX operator spec, LSTM.
 */
export const recurrent: Rule = (call) => {
  const [x, , recurrence] = call.inputs;
  const type = typeOf([x]);
  const size = integer(call, "hidden_size", 0);
  const hidden = size > 0 ? constant(size) : recurrence?.shape?.[2];
  if (x?.shape?.length !== 3 || hidden === undefined) return [factOf(type, undefined), factOf(type, undefined), factOf(type, undefined)];
  const directions = constant(text(call, "direction", "forward") === "bidirectional" ? 2 : 1);
  const batchFirst = integer(call, "layout", 0) !== 0;
  const [first, second] = [x.shape[0]!, x.shape[1]!];
  const all = batchFirst ? [first, second, directions, hidden] : [first, directions, second, hidden];
  const last = batchFirst ? [first, directions, hidden] : [directions, second, hidden];
  return [factOf(type, all), factOf(type, last), factOf(type, last)];
};
