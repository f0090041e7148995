/** Graphs of one operator, for rules that look at an operator and its tensors. */
import { constant, type Expression, symbol } from "../../src/graph/ir/expression.ts";
import type { AttributeValue, DataType, Graph, Operator, Tensor } from "../../src/graph/ir/graph.ts";

type Sizes = readonly (number | string)[];

export interface OneOperator {
  readonly type: string;
  readonly domain?: string;
  /** `w:` before the type marks a weight; undefined an input that is left out. */
  readonly inputs: readonly (readonly [string, Sizes] | undefined)[];
  readonly outputs: readonly (readonly [string, Sizes] | undefined)[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

export function graphOfOne({ type, domain = "onnx", inputs, outputs, attributes = {} }: OneOperator): Graph {
  const tensors: Tensor[] = [];
  const add = (text: string, sizes: Sizes, origin: Tensor["origin"]): number => {
    const isWeight = text.startsWith("w:");
    const name = `t${tensors.length}`;
    const shape = sizes.map((size): Expression => (typeof size === "number" ? constant(size) : symbol(size)));
    return tensors.push({ name, type: text.replace("w:", "") as DataType, shape, origin: isWeight ? "weight" : origin }) - 1;
  };
  const read = inputs.map((input) => input && add(input[0], input[1], "input"));
  const made = outputs.map((output) => output && add(output[0], output[1], "activation"));
  const operator: Operator = { name: "one", type, domain, inputs: read, outputs: made, attributes, accesses: [], scope: "" };
  const given = read.filter((id) => id !== undefined && tensors[id]!.origin === "input") as number[];
  const results = made.filter((id) => id !== undefined) as number[];
  return { name: "one", source: "test", tensors, operators: [operator], states: [], inputs: given, outputs: results };
}
