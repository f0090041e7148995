import { add, type Expression } from "../../graph/ir/expression.ts";
import { productOf } from "../../graph/shapes/size-arithmetic.ts";
import type { FlopRule } from "./flop-rule.ts";
import { multiplyAdds, shapeAt } from "./operands.ts";

/**
 * Every step of every sequence passes the weights of its input and of its last hidden state, in each direction; gates are elementwise.
 *
 * Shapes: x [S, B, I], weights [D, gates·H, I], recurrence [D, gates·H, H]. Source: ONNX operator spec, LSTM, GRU and RNN.
 */
export const recurrence: FlopRule = (graph, operator) => {
  const x = shapeAt(graph, operator, 0);
  const [weights, hidden] = [shapeAt(graph, operator, 1), shapeAt(graph, operator, 2)].map((shape) => shape && productOf(shape));
  if (x?.length !== 3 || weights === undefined || hidden === undefined) return undefined;
  const all: Expression = add(weights, hidden);
  return multiplyAdds([x[0], x[1], all]);
};
