import type { FlopRule } from "./flop-rule.ts";
import { multiplyAdds, outputShape, shapeAt } from "./operands.ts";

/**
 * Every element of the result sums over a filter: the channels of its group and the places of the kernel, wherever dilation puts these; products
 * with padding count. Shapes: weights [M, C / group, kernel...]. Source: ONNX operator spec, Conv, ConvInteger, QLinearConv, DeformConv.
 */
export function convolution(weightAt: number): FlopRule {
  return (graph, operator) => {
    const out = outputShape(graph, operator);
    const weights = shapeAt(graph, operator, weightAt);
    return out && weights && multiplyAdds([...out, ...weights.slice(1)]);
  };
}

/**
 * Every element of the input is spread by a filter, over the channels of its group. Shapes: weights [C, M / group, kernel...]. What falls outside the
 * result counts. Source: ONNX operator spec, ConvTranspose.
 */
export function transposedConvolution(weightAt: number): FlopRule {
  return (graph, operator) => {
    const image = shapeAt(graph, operator, 0);
    const weights = shapeAt(graph, operator, weightAt);
    return image && weights && multiplyAdds([...image, ...weights.slice(1)]);
  };
}
