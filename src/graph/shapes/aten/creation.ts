import { ceilDivide, constant, constantOf, type Expression, subtract } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { greater, ZERO } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, each, type RuleTable } from "./call.ts";

/** As many numbers as steps fit before the end. */
const arange: AtenRule = (call) => {
  const floats = ["start", "end", "step"].some((name) => call.floats(name) !== undefined);
  const type = call.dataType("dtype") ?? (floats ? "unknown" : "i64");
  return [factOf(type, [floats ? floatSteps(call) : wholeSteps(call)])];
};

function wholeSteps(call: AtenCall): Expression {
  const [start, end, step] = [call.size("start") ?? ZERO, call.size("end"), call.number("step", 1)];
  if (end === undefined || Number.isNaN(step)) return call.fresh("range");
  if (step === 0) call.fail("steps of 0");
  const span = step > 0 ? subtract(end, start) : subtract(start, end);
  const count = ceilDivide(span, constant(Math.abs(step)));
  return constantOf(count) === undefined ? count : greater(ZERO, count);
}

function floatSteps(call: AtenCall): Expression {
  const value = (name: string, absent: number): number => {
    const size = call.size(name);
    return call.floats(name)?.[0] ?? (size === undefined ? absent : (constantOf(size) ?? Number.NaN));
  };
  const count = Math.ceil((value("end", Number.NaN) - value("start", 0)) / value("step", 1));
  return Number.isSafeInteger(count) && count >= 0 ? constant(count) : call.fresh("range");
}

function filled(...names: readonly string[]): AtenRule {
  return (call) => {
    const sizes = names.map((name) => call.sizes(name)).find((each) => each !== undefined);
    return [factOf(call.dataType("dtype") ?? (call.type.startsWith("new_") ? (call.first?.type ?? "unknown") : "unknown"), sizes)];
  };
}

const alike: AtenRule = (call) => [call.first && factOf(call.dataType("dtype") ?? call.first.type, call.first.shape)];

const scalar = (call: AtenCall): readonly Fact[] => [factOf(call.dataType("dtype") ?? "unknown", [])];

const eye: AtenRule = (call) => {
  const [n, m] = [call.size("n"), call.size("m")];
  return [factOf(call.dataType("dtype") ?? "unknown", n && [n, m ?? n])];
};

const linspace: AtenRule = (call) => {
  const steps = call.size("steps");
  return [factOf(call.dataType("dtype") ?? "unknown", steps && [steps])];
};

export const CREATION: RuleTable = {
  arange,
  ...each("zeros ones empty full rand randn new_zeros new_ones new_empty new_full randint empty_permuted", filled("size")),
  ...each("empty_strided new_empty_strided", filled("size")),
  ...each("zeros_like ones_like empty_like full_like rand_like randn_like randint_like", alike),
  scalar_tensor: scalar,
  eye,
  linspace,
};
