import type { Expression } from "../graph/ir/expression.ts";
import { formulaOf } from "../graph/ir/formula.ts";
import type { Graph, Operator } from "../graph/ir/graph.ts";

/** What a user says operators of one type do: formulas over the sizes of the graph. */
export interface StatedWork {
  /** `type`, or `domain:type` where domains share names. */
  readonly operator: string;
  readonly flops: string;
  /** All bytes it moves; undefined: its inputs and outputs. */
  readonly bytes: string | undefined;
}

/** Attributes the statement travels in: no format has names with a colon of this kind. */
const FLOPS = "heddle:flops";
const BYTES = "heddle:bytes";

/** The graph with what is stated at every operator of those types, those of bodies included. */
export function withStatedWork(graph: Graph, stated: readonly StatedWork[]): Graph {
  return { ...graph, operators: graph.operators.map((operator) => withStated(operator, stated)) };
}

function withStated(operator: Operator, stated: readonly StatedWork[]): Operator {
  const own = stated.find((one) => isOf(operator, one));
  const bodies = operator.bodies?.map((body) => ({ ...body, graph: withStatedWork(body.graph, stated) }));
  const attributes =
    own === undefined
      ? operator.attributes
      : { ...operator.attributes, [FLOPS]: own.flops, ...(own.bytes === undefined ? {} : { [BYTES]: own.bytes }) };
  return { ...operator, attributes, ...(bodies === undefined ? {} : { bodies }) };
}

/** Whether a statement is about some operator of the graph. */
export function speaksOf(graph: Graph, stated: StatedWork): boolean {
  return graph.operators.some(
    (operator) => isOf(operator, stated) || operator.bodies?.some((body) => speaksOf(body.graph, stated)) === true,
  );
}

function isOf({ domain, type }: Operator, { operator }: StatedWork): boolean {
  return operator === type || operator === `${domain}:${type}`;
}

/** FLOPs that the operator itself states (2 a multiply-add); undefined where it states none. */
export function statedFlops({ attributes }: Pick<Operator, "attributes">): Expression | undefined {
  return formulaAt(attributes[FLOPS]);
}

/** Bytes that the operator itself states; undefined where it states none. */
export function statedBytes({ attributes }: Pick<Operator, "attributes">): Expression | undefined {
  return formulaAt(attributes[BYTES]);
}

function formulaAt(value: unknown): Expression | undefined {
  return typeof value === "string" ? formulaOf(value) : undefined;
}
