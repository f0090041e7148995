import { add, ceilDivide, constant, constantOf, type Expression, minimum, multiply, subtract } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { ONE } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, axisIn, commonType, each, type RuleTable, replaced, type Shape } from "./call.ts";

/** Shapes equal but for one axis, whose sizes add up. Tensors of shape [0] are left out, as PyTorch does. */
const cat: AtenRule = (call) => {
  const facts = call.facts("tensors").filter((fact) => fact?.shape?.length !== 1 || constantOf(fact.shape[0]!) !== 0);
  const [first] = facts;
  if (first?.shape === undefined || facts.some((fact) => fact?.shape === undefined)) return [factOf(commonType(facts), undefined)];
  if (first.shape.length === 0) call.fail("scalars are not joined");
  const axis = axisIn(call, first.shape, call.number("dim", 0));
  for (const fact of facts) {
    if (fact!.shape!.length !== first.shape.length) call.fail("tensors of different numbers of dimensions");
    fact!.shape!.forEach((size, at) => {
      if (at !== axis) call.same(size, first.shape![at], "sizes beside the joined dimension");
    });
  }
  return [factOf(commonType(facts), replaced(first.shape, axis, add(...facts.map((fact) => fact!.shape![axis]!))))];
};

const stack: AtenRule = (call) => {
  const facts = call.facts("tensors");
  const shape = facts[0]?.shape;
  if (shape === undefined) return [factOf(commonType(facts), undefined)];
  for (const fact of facts) {
    shape.forEach((size, at) => {
      call.same(size, fact?.shape?.[at], "stacked sizes");
    });
  }
  const axis = axisIn(call, [...shape, ONE], call.number("dim", 0));
  return [factOf(commonType(facts), [...shape.slice(0, axis), constant(facts.length), ...shape.slice(axis)])];
};

function parts(call: AtenCall, sizeOf: (size: Expression, at: number) => Expression): readonly (Fact | undefined)[] {
  const x = call.fact("self");
  if (x?.shape === undefined) return [];
  const axis = axisIn(call, x.shape, call.number("dim", 0));
  const size = x.shape[axis] ?? ONE;
  return Array.from({ length: call.outputs }, (_, at) => factOf(x.type, replaced(x.shape!, axis, sizeOf(size, at))));
}

/** Parts of one size, the last one smaller. */
function equalParts(call: AtenCall, each: (size: Expression) => Expression): readonly (Fact | undefined)[] {
  return parts(call, (size, at) => {
    const part = each(size);
    const start = multiply(part, constant(at));
    return at < call.outputs - 1 ? part : minimum(part, subtract(size, start));
  });
}

const split: AtenRule = (call) => {
  const sizes = call.sizes("split_sizes") ?? call.sizes("split_size");
  const one = call.size("split_size");
  if (sizes === undefined) return one === undefined ? [] : equalParts(call, () => one);
  if (sizes.length !== call.outputs) call.fail(`${sizes.length} sizes for ${call.outputs} parts`);
  const x = call.fact("self");
  if (x?.shape !== undefined) call.same(add(...sizes), x.shape[axisIn(call, x.shape, call.number("dim", 0))], "sum of the parts");
  return parts(call, (_, at) => sizes[at]!);
};

const chunk: AtenRule = (call) => {
  const count = call.number("chunks", 1);
  if (!(count >= 1)) call.fail(`${count} chunks`);
  return equalParts(call, (size) => ceilDivide(size, constant(count)));
};

const unbind: AtenRule = (call) => {
  const x = call.fact("self");
  if (x?.shape === undefined) return [];
  const axis = axisIn(call, x.shape, call.number("dim", 0));
  call.same(x.shape[axis], constant(call.outputs), "number of parts");
  const rest: Shape = x.shape.filter((_, at) => at !== axis);
  return new Array<Fact>(call.outputs).fill(factOf(x.type, rest));
};

export const JOINING: RuleTable = {
  ...each("cat concat concatenate", cat),
  stack,
  ...each("split split_with_sizes split_copy split_with_sizes_copy", split),
  chunk,
  ...each("unbind unbind_copy", unbind),
};
