import { constant, type Expression } from "../../graph/ir/expression.ts";
import type { Operator } from "../../graph/ir/graph.ts";
import { activeOf } from "../mixture-bytes.ts";
import type { FlopRule } from "./flop-rule.ts";
import { attributeNumber, multiplyAdds, outputShape, positive, shapeAt } from "./operands.ts";

type Shape = readonly Expression[];

/** Every element of the result sums over the last axis of the first operand. Shapes: [..., M, K] × [..., K, N]. Source: ONNX operator spec, MatMul. */
export const matrixProduct: FlopRule = (graph, operator) => {
  const out = outputShape(graph, operator);
  return out && multiplyAdds([...out, shapeAt(graph, operator, 0)?.at(-1)]);
};

/** Source: ONNX operator spec, Gemm: the second axis of the first operand, or the first where it is transposed. */
export const gemm: FlopRule = (graph, operator) => {
  const out = outputShape(graph, operator);
  const turned = attributeNumber(operator, "transA", 0) !== 0;
  return out && multiplyAdds([...out, shapeAt(graph, operator, 0)?.[turned ? 0 : 1]]);
};

/** Source: ONNX Runtime, docs/ContribOperators.md, FusedMatMul: transA, and transBatchA, which puts the first axis before the last. */
export const fusedProduct: FlopRule = (graph, operator) => {
  const out = outputShape(graph, operator);
  const a = shapeAt(graph, operator, 0);
  return out && a && multiplyAdds([...out, summedAxis(operator, a)]);
};

function summedAxis(operator: Operator, shape: Shape): Expression | undefined {
  if (shape.length < 2 || attributeNumber(operator, "transA", 0) === 0) return shape.at(-1);
  return attributeNumber(operator, "transBatchA", 0) === 0 ? shape.at(-2) : shape[0];
}

/** x [..., K] times packed weights of K inputs. Source: ONNX Runtime, docs/ContribOperators.md, MatMulNBits and MatMulBnb4. */
export const packedProduct: FlopRule = (graph, operator) => {
  const out = outputShape(graph, operator);
  const inputs = attributeNumber(operator, "K", 0);
  return out && inputs > 0 ? multiplyAdds([...out, constant(inputs)]) : undefined;
};

/**
 * Every row passes the two or three matrices of as many experts as it visits; packed weights have several numbers an element.
 *
 * Shapes: x [..., hidden]; weights [experts, outputs, inputs] at `places`. The router's product is an operator of its own.
 * Source: ONNX Runtime, docs/ContribOperators.md, MoE and QMoE.
 */
export function mixture(places: readonly number[], packed: boolean): FlopRule {
  return (graph, operator) => {
    const rows = shapeAt(graph, operator, 0)?.slice(0, -1);
    const weights = places.map((place) => shapeAt(graph, operator, place)).filter((shape) => shape !== undefined);
    const count = positive(weights[0]?.[0]);
    const bits = packed ? attributeNumber(operator, "expert_weight_bits", 4) : 8;
    if (rows === undefined || count === undefined || !(bits > 0 && bits <= 8)) return undefined;
    const perExpert = weights.map((shape) => shape.slice(1).reduce((product, size) => product * (positive(size) ?? Number.NaN), 1));
    const numbers = perExpert.reduce((sum, each) => sum + each, 0) * (8 / bits) * activeOf(operator, count);
    return Number.isFinite(numbers) ? multiplyAdds([...rows, constant(numbers)]) : undefined;
  };
}
