import { HeddleError } from "../base/heddle-error.ts";
import { constantOf, symbol, textOf } from "../graph/ir/expression.ts";
import type { AttributeValue } from "../graph/ir/graph.ts";
import type { Fact } from "../graph/shapes/fact.ts";
import type { Call } from "../graph/shapes/rule.ts";
import { ruleOf } from "../graph/shapes/rule-table.ts";
import type { OpOptions } from "./sdk-types.ts";

/** The operator set the builder writes. */
const OPSET = 17;

export interface OperatorUse {
  readonly graph: string;
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly Fact[];
  readonly outputs: number;
  readonly options: OpOptions;
}

/**
 * What the outputs of an operator are, by its shape rule.
 *
 * Errors: `graph-invalid` where there is no such operator, or its inputs fit no run of it.
 */
export function operatorFacts({ graph, operator, name, inputs, outputs, options }: OperatorUse): readonly Fact[] {
  const domain = options.domain ?? "onnx";
  const rule = ruleOf(domain, operator);
  if (rule === undefined) throw invalid(graph, name, `${domain} has no operator ${operator}`);
  const call: Call = {
    type: operator,
    inputs,
    attributes: Object.fromEntries(Object.entries(options.attributes ?? {}).map(([key, value]) => [key, plain(value)])),
    outputs,
    opset: domain === "onnx" ? OPSET : 1,
    fresh: (what) => symbol(`${name}.${what}`),
    tensor: () => undefined,
    bodyInputs: () => 0,
    body: () => [],
  };
  const found = rule(call);
  return Array.from({ length: outputs }, (_unused, i) => {
    const fact = found[i];
    const impossible = fact?.shape?.some((size) => {
      const known = constantOf(size);
      return known !== undefined && !(Number.isSafeInteger(known) && known >= 0);
    });
    if (
      fact !== undefined &&
      fact.type !== "unknown" &&
      !impossible &&
      (fact.shape !== undefined || inputs.some(({ shape }) => shape === undefined))
    )
      return fact;
    throw invalid(graph, name, `${operator} does not take ${inputs.map(factText).join(", ")}${attributesText(call)}`);
  });
}

function plain(value: NonNullable<OpOptions["attributes"]>[string]): AttributeValue {
  return typeof value === "object" && "float" in value ? value.float : value;
}

function factText({ type, shape }: Fact): string {
  return `${type} [${shape?.map(textOf).join(", ") ?? "?"}]`;
}

function attributesText({ attributes }: Call): string {
  const entries = Object.entries(attributes);
  return entries.length === 0 ? "" : ` with ${entries.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ")}`;
}

function invalid(graph: string, name: string, detail: string): HeddleError {
  return new HeddleError("graph-invalid", { where: `${graph}, ${name}`, detail });
}
