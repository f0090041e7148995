import type { Expression } from "../../ir/expression.ts";
import type { DataType } from "../../ir/graph.ts";
import { type Fact, factOf } from "../fact.ts";
import { axisOf } from "../rule.ts";

/** One call of an ATen operator: arguments by the names of its schema. */
export interface AtenCall {
  /** Name without overload and without the underscore of in-place forms: `index_copy`. */
  readonly type: string;
  readonly overload: string;
  /** The first tensor among the arguments. */
  readonly first: Fact | undefined;
  /** Number of tensors the call gives. */
  readonly outputs: number;
  fact(name: string): Fact | undefined;
  facts(name: string): readonly (Fact | undefined)[];
  size(name: string): Expression | undefined;
  sizes(name: string): readonly Expression[] | undefined;
  /** A whole number that is known; `absent` where the argument is left out. */
  number(name: string, absent: number): number;
  numbers(name: string): readonly number[] | undefined;
  floats(name: string): readonly number[] | undefined;
  flag(name: string, absent: boolean): boolean;
  text(name: string): string | undefined;
  dataType(name: string): DataType | undefined;
  /** Whether the argument is given and not None. */
  has(name: string): boolean;
  fresh(what: string): Expression;
  /** States that sizes are equal in every valid program. Errors: one of the reader where they cannot be. */
  same(left: Expression | undefined, right: Expression | undefined, what: string): void;
  /** The call is one that PyTorch refuses. */
  fail(what: string): never;
}

export type AtenRule = (call: AtenCall) => readonly (Fact | undefined)[];
export type Shape = readonly Expression[];
export type RuleTable = Readonly<Record<string, AtenRule>>;

export function each(names: string, rule: AtenRule): RuleTable {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}

/** Axis of a shape; a scalar has axes 0 and -1 for PyTorch. */
export function axisIn(call: AtenCall, shape: Shape, given: number): number {
  return axisOf(given, Math.max(1, shape.length)) ?? call.fail(`dimension ${given} of ${shape.length}`);
}

export function replaced(shape: Shape, axis: number, size: Expression): Shape {
  return shape.map((each, at) => (at === axis ? size : each));
}

/** A list with one entry an axis; a single entry counts for all. Errors: the call fails where the list has another length. */
export function perAxis(call: AtenCall, name: string, axes: number, absent: number): readonly number[] {
  const given = call.numbers(name) ?? (call.has(name) ? [call.number(name, absent)] : []);
  if (given.length === 0) return new Array<number>(axes).fill(absent);
  if (given.length === 1) return new Array<number>(axes).fill(given[0]!);
  if (given.length !== axes) call.fail(`${name} has ${given.length} entries for ${axes} dimensions`);
  return given;
}

export function isFloat(type: DataType): boolean {
  return /^b?f\d/.test(type);
}

/** The one type of all tensors; unknown where they differ, since promotion then depends on more than types. */
export function commonType(facts: readonly (Fact | undefined)[]): DataType {
  const types = new Set(facts.flatMap((fact) => (fact === undefined ? [] : [fact.type])));
  return types.size === 1 ? [...types][0]! : "unknown";
}

/** As the first tensor, also where its shape is not known. */
export const likeFirst: AtenRule = ({ first }) => [first && factOf(first.type, first.shape)];
