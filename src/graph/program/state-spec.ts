import type { AttributeValue, DataType } from "../ir/graph.ts";

/** Domain of operators that move and convert state; `ipu` devices run them. */
export const STATE_DOMAIN = "heddle.state";

/** A program of `heddle.state` operators as plain data: small enough to travel with the request to load it. */
export interface StateProgram {
  readonly name: string;
  readonly inputs: readonly StateValue[];
  readonly operators: readonly StateOperator[];
  /** Names of the values that are wanted. */
  readonly outputs: readonly string[];
}

export interface StateValue {
  readonly name: string;
  readonly type: DataType;
  /** Names are sizes known only at run time. */
  readonly dims: readonly (number | string)[];
}

/** One operator; values are named, and those it makes may be read by operators behind it. */
export interface StateOperator {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}
