/** Applies the shape rule of an operator to inputs written as text, for tables of hand-made cases. */
import { add, constant, type Expression, symbol, textOf } from "../../src/graph/ir/expression.ts";
import type { AttributeValue, DataType } from "../../src/graph/ir/graph.ts";
import type { Fact } from "../../src/graph/shapes/fact.ts";
import { ruleOf } from "../../src/graph/shapes/rule-table.ts";

export interface RuleCase {
  readonly type: string;
  readonly domain?: string;
  /** `f32[batch,3,a+1]`, `i64=[1,-1,n]` for a list of values, `i64=5` for a scalar, empty for an absent input. */
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly outputs?: number;
}

/** Outputs as text: `f32[batch,64]`, with `=[...]` where their values are known. */
export function applied({ type, domain = "onnx", inputs, attributes = {}, opset = 17, outputs = 1 }: RuleCase): string[] {
  let fresh = 0;
  const results = ruleOf(domain, type)!({
    type,
    inputs: inputs.map((text) => (text === "" ? undefined : factFrom(text))),
    attributes,
    outputs,
    opset,
    fresh: () => symbol(`#${fresh++}`),
    tensor: (name) => (typeof attributes[name] === "string" ? factFrom(attributes[name]) : undefined),
    bodyInputs: () => 0,
    body: () => [],
  });
  return results.slice(0, outputs).map((fact) => {
    const value = fact?.value?.every((each) => each !== undefined) ? `=[${fact.value.map((each) => textOf(each!))}]` : "";
    return fact === undefined ? "?" : `${fact.type}[${fact.shape === undefined ? "?" : fact.shape.map(textOf)}]${value}`;
  });
}

function factFrom(text: string): Fact {
  const [, type = "f32", mark, list, scalar] = /^([a-z]+\d*)(=?)(?:\[(.*)\]|(.*))$/.exec(text) ?? [];
  const sizes = (list ?? "")
    .split(",")
    .filter((part) => part !== "")
    .map(sizeFrom);
  const isValue = mark === "=";
  const value = !isValue ? undefined : list === undefined ? [sizeFrom(scalar!)] : sizes;
  const shape = !isValue ? sizes : list === undefined ? [] : [constant(sizes.length)];
  return { type: type as DataType, shape, value };
}

function sizeFrom(text: string): Expression {
  return add(...text.split("+").map((part) => (/^-?[\d.]+$/.test(part) ? constant(Number(part)) : symbol(part))));
}
