import { constant, constantOf, type Expression } from "../ir/expression.ts";
import type { DataType } from "../ir/graph.ts";
import type { AtenCall } from "../shapes/aten/call.ts";
import { atenRule, isInPlace, plainName } from "../shapes/aten/rule-table.ts";
import type { Fact } from "../shapes/fact.ts";
import { isLong } from "../shapes/size-arithmetic.ts";
import { type Argument, type SizeArgument, tensorsOf } from "./argument.ts";
import { invalid } from "./failures.ts";
import type { NodeJson, OperatorName } from "./graph-json.ts";
import type { Sizes } from "./sizes.ts";

/** What the tensors and sizes around a call are. */
export interface Surroundings {
  readonly sizes: Sizes;
  factOf(tensor: string): Fact | undefined;
  sizeOf(name: string): Expression | undefined;
}

/** What a call's outputs are by our own rule; undefined where there is none. Errors: `torch-export-invalid` for a call that PyTorch refuses. */
export function inferCall(node: NodeJson, operator: OperatorName, around: Surroundings): readonly (Fact | undefined)[] | undefined {
  const rule = operator.domain === "aten" ? atenRule(operator.type) : undefined;
  if (rule === undefined) return undefined;
  const call = callOf(node, operator, around);
  const given = rule(call).map((fact) => fact && usable(call, fact));
  // What is written in place keeps its shape; the rule is applied for what it checks.
  return isInPlace(operator.type) && call.first !== undefined ? [call.first] : given;
}

function callOf(node: NodeJson, operator: OperatorName, { sizes, factOf, sizeOf }: Surroundings): AtenCall {
  const where = `${operator.type} (${node.name.slice(0, 120)})`;
  const argument = (name: string): Argument | undefined => {
    const found = node.inputs.get(name);
    return found?.type === "none" ? undefined : found;
  };
  const size = (value: SizeArgument): Expression | undefined => (typeof value === "number" ? constant(value) : sizeOf(value.name));
  const numberOf = (value: SizeArgument): number | undefined => {
    const known = size(value);
    return known && constantOf(known);
  };
  const facts = (found: Argument | undefined): readonly (Fact | undefined)[] =>
    found === undefined ? [] : tensorsOf(found).map((name) => (name === undefined ? undefined : factOf(name)));
  const fail = (what: string): never => {
    throw invalid(where, what);
  };
  return {
    type: plainName(operator.type),
    overload: operator.overload,
    first: [...node.inputs.values()].flatMap((each) => facts(each)).find((fact) => fact !== undefined),
    outputs: node.outputs.reduce((count, output) => count + tensorsOf(output).length, 0),
    fact: (name) => {
      const found = argument(name);
      return found?.type === "tensor" ? factOf(found.name) : undefined;
    },
    facts: (name) => facts(argument(name)),
    size: (name) => {
      const found = argument(name);
      return found?.type === "size" ? size(found.size) : undefined;
    },
    sizes: (name) => {
      const found = argument(name);
      const list = found?.type === "sizes" ? found.sizes.map(size) : undefined;
      return list?.every((each) => each !== undefined) ? (list as readonly Expression[]) : undefined;
    },
    number: (name, absent) => {
      const found = argument(name);
      return found?.type === "size" ? (numberOf(found.size) ?? Number.NaN) : absent;
    },
    numbers: (name) => {
      const found = argument(name);
      return found?.type === "sizes" ? found.sizes.map((each) => numberOf(each) ?? Number.NaN) : undefined;
    },
    floats: (name) => {
      const found = argument(name);
      return found?.type === "floats" ? found.values : undefined;
    },
    flag: (name, absent) => {
      const found = argument(name);
      return found?.type === "flag" ? found.value : absent;
    },
    text: (name) => {
      const found = argument(name);
      return found?.type === "texts" ? found.values[0] : undefined;
    },
    dataType: (name) => {
      const found = argument(name);
      return found?.type === "data-type" ? (found.name as DataType) : undefined;
    },
    has: (name) => argument(name) !== undefined,
    fresh: sizes.fresh,
    same: (left, right, what) => {
      if (left !== undefined && right !== undefined && !sizes.mayBeEqual(left, right)) fail(`${what} differ`);
    },
    fail,
  };
}

/** A size that no run can have says that the arguments do not fit; one too long to compute with becomes a symbol. */
function usable(call: AtenCall, fact: Fact): Fact {
  const shape = fact.shape?.map((size) => {
    const known = constantOf(size);
    if (known !== undefined && !(Number.isSafeInteger(known) && known >= 0)) call.fail(`a size of ${known}`);
    return isLong(size) ? call.fresh("long") : size;
  });
  return { type: fact.type, shape };
}
