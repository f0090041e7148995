import type { Expression } from "../ir/expression.ts";
import type { DataType } from "../ir/graph.ts";

/** What is known of a tensor before it is computed. */
export interface Fact {
  readonly type: DataType;
  /** Undefined where not even the number of dimensions is known. */
  readonly shape: readonly Expression[] | undefined;
  /** Elements of a small tensor in row order; an element that is not known is undefined. */
  readonly value?: readonly (Expression | undefined)[] | undefined;
  /** The one number that all elements are, however many. */
  readonly fill?: number | undefined;
}

/** Larger tensors are data, not shape arithmetic: no shape has as many dimensions, no list of sizes as many entries. */
export const MAX_VALUE_ELEMENTS = 256;

export const UNKNOWN: Fact = { type: "unknown", shape: undefined };

export function factOf(type: DataType, shape: readonly Expression[] | undefined): Fact {
  return { type, shape };
}
