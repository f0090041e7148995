import type { Expression } from "../ir/expression.ts";
import type { AttributeValue } from "../ir/graph.ts";
import type { Fact } from "./fact.ts";

/**
 * What an operator's outputs are, from what its inputs are.
 *
 * Returns one fact an output, `undefined` where nothing can be said; outputs left off at the end are unknown.
 */
export type Rule = (call: Call) => readonly (Fact | undefined)[];

/** One use of an operator. */
export interface Call {
  readonly type: string;
  /** Absent optional inputs are undefined. */
  readonly inputs: readonly (Fact | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Number of outputs the node names. */
  readonly outputs: number;
  /** Version of the operator set it belongs to. */
  readonly opset: number;
  /** A size that only a run tells; `what` makes its name readable. */
  fresh(what: string): Expression;
  /** Tensor-valued attribute. */
  tensor(name: string): Fact | undefined;
  /** Number of inputs of a graph it runs, and what that graph gives for inputs like these. */
  bodyInputs(role: string): number;
  body(role: string, inputs: readonly Fact[]): readonly Fact[];
}

export function integer(call: Call, name: string, absent: number): number {
  const value = call.attributes[name];
  return typeof value === "number" ? value : absent;
}

export function integers(call: Call, name: string): readonly number[] | undefined {
  const value = call.attributes[name];
  return Array.isArray(value) && value.every((item) => typeof item === "number") ? (value as readonly number[]) : undefined;
}

export function text(call: Call, name: string, absent: string): string {
  const value = call.attributes[name];
  return typeof value === "string" ? value : absent;
}

/** An axis counted from the front; undefined where it lies outside the rank. */
export function axisOf(axis: number, rank: number): number | undefined {
  const counted = axis < 0 ? axis + rank : axis;
  return Number.isInteger(counted) && counted >= 0 && counted < rank ? counted : undefined;
}

/** As `axisOf` for a list; undefined where one lies outside or two are the same. */
export function axesOf(axes: readonly number[], rank: number): readonly number[] | undefined {
  const counted = axes.map((axis) => axisOf(axis, rank));
  if (counted.includes(undefined) || new Set(counted).size !== counted.length) return undefined;
  return counted as number[];
}
