import type { GraphBuilder } from "../../ir/build-graph.ts";
import { constant, type Expression } from "../../ir/expression.ts";
import type { Access, AttributeValue, DataType, StateId, Tensor, TensorId } from "../../ir/graph.ts";
import type { NormKind } from "../norm-kind.ts";

/** Where operators are put: the graph, the part of the model they belong to, and the sequences they run over. */
export interface Site {
  readonly graph: GraphBuilder;
  /** `layers.3.attention` */
  readonly scope: string;
  /** Element type of weights and activations, and of keys and values kept. */
  readonly type: DataType;
  readonly kvType: DataType;
  /** Sequences, and positions of each that are computed. */
  readonly items: Expression;
  readonly length: Expression;
  readonly norm: NormKind;
}

export interface OperatorOptions {
  readonly name: string;
  readonly inputs: readonly TensorId[];
  /** Dimensions of the output. */
  readonly shape: readonly Expression[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly accesses?: readonly Access[];
}

/** Adds an operator of `heddle`'s own set with one output; returns the output. */
export function operate(site: Site, type: string, options: OperatorOptions): TensorId {
  const name = `${site.scope}.${options.name}`;
  const output = site.graph.tensor({ name, type: site.type, shape: options.shape, origin: "activation" });
  const { inputs, attributes = {}, accesses = [] } = options;
  site.graph.operator({ name, type, domain: "heddle", inputs, outputs: [output], attributes, accesses, scope: site.scope });
  return output;
}

/** Declares learned numbers. */
export function weight(site: Site, name: string, shape: readonly number[], experts?: Tensor["experts"]): TensorId {
  const tensor: Tensor = { name: `${site.scope}.${name}`, type: site.type, shape: shape.map(constant), origin: "weight" };
  return site.graph.tensor(experts === undefined ? tensor : { ...tensor, experts });
}

/** Declares the state of a part of the model for all sequences of a batch. */
export function state(site: Site, kind: "kv" | "recurrent" | "convolution", shape: readonly Expression[], name: string = kind): StateId {
  return site.graph.state({ name: `${site.scope}.${name}`, kind, type: site.kvType, shape });
}

/** Dimensions of a tensor with `columns` elements per position. */
export function perPosition(site: Site, columns: number): readonly Expression[] {
  return [site.items, site.length, constant(columns)];
}
