import { constantOf, type Expression } from "../../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../../graph/ir/graph.ts";

const CONVOLUTIONS: ReadonlySet<string> = new Set(["Conv", "FusedConv"]);

/**
 * Convolutions that the WebGPU provider takes and computes wrongly, by as much as the largest value. Found by `heddle validate-device` with ONNX Runtime
 * 1.30 on SwiftShader; which ones follows from the numbers of channels alone, in all of 60 tried. Possibly related: microsoft/onnxruntime issue 29651.
 *
 * Model: without groups, channels in threes and not in fours (above 3) with results in fours, unless it is a plain product; with groups, results of a
 * group, 4 or more, that do not fill vectors of the 4 or 2 that all results divide by.
 */
export function computedWrongly({ type, inputs, attributes }: Operator, graph: Graph): string | undefined {
  if (!CONVOLUTIONS.has(type)) return undefined;
  const weight = inputs[1] === undefined ? undefined : graph.tensors[inputs[1]]!.shape;
  const [results, channels] = (weight ?? []).map(constantOf);
  if (results === undefined || channels === undefined)
    return "the numbers of channels are not known, and WebGPU computes some of them wrongly";
  const groups = typeof attributes["group"] === "number" ? attributes["group"] : 1;
  if (groups === 1) {
    if (isProduct(weight, attributes)) return undefined;
    if (channels <= 3 || channels % 3 !== 0 || channels % 4 === 0 || results % 4 !== 0) return undefined;
    return `ONNX Runtime's WebGPU provider computes convolutions of ${channels} to ${results} channels wrongly`;
  }
  const own = results / groups;
  const vector = results % 4 === 0 ? 4 : results % 2 === 0 ? 2 : 1;
  if (own < 4 || own % vector === 0) return undefined;
  return `ONNX Runtime's WebGPU provider computes convolutions of ${groups} groups with ${own} results each wrongly`;
}

/** A kernel of one element, moved by one, nothing around: computed as a product of matrices. */
function isProduct(weight: readonly Expression[] | undefined, { strides, pads }: Operator["attributes"]): boolean {
  const all = (values: unknown, wanted: number): boolean => !Array.isArray(values) || values.every((value) => value === wanted);
  return (weight ?? []).slice(2).every((size) => constantOf(size) === 1) && all(strides, 1) && all(pads, 0);
}
