import { type Bindings, constantOf, type Expression } from "../graph/ir/expression.ts";
import type { Body, Graph, Operator, TensorId } from "../graph/ir/graph.ts";
import { foldsAway } from "./flops/movement.ts";
import { knownBytes, sumOfKnown } from "./tensor-bytes.ts";
import type { Work } from "./work.ts";

/** What has to be known of a whole graph before the work of its operators can be told. */
export interface Survey {
  readonly graph: Graph;
  /** Sizes at which branches are compared. */
  readonly sizes: Bindings;
  /** Bytes of tensors that no input changes: weights, constants, and what is made of them alone. Undefined where the size is not known. */
  readonly stored: ReadonlyMap<TensorId, Expression | undefined>;
  /** Operators that a loader runs once, so that a run does not: all they read is stored. */
  readonly folded: ReadonlySet<Operator>;
  /** Tensors that are the content of a state, before a run or after it. */
  readonly states: ReadonlySet<TensorId>;
  /** Work found so far, so that nested graphs are looked at once. */
  readonly works: Map<Operator, Work | undefined>;
  readonly inner: Map<Body, InnerSurvey>;
}

/** A graph inside an operator. */
export interface InnerSurvey {
  readonly survey: Survey;
  /** Of all its operators, once. */
  readonly work: Work;
}

/** Tensors of a body that stand for some of the graph around it. */
export type Captured = ReadonlyMap<TensorId, CapturedTensor>;

export interface CapturedTensor {
  readonly kind: "stored" | "state" | "activation";
  /** Where it is stored. */
  readonly bytes?: Expression | undefined;
}

/**
 * Model: what depends on no input is made once, when the model is loaded. It is read in the smaller of two forms: as it was made, or as what it
 * was made from; so a weight that is dequantised or cast on its way to a product is read as it is stored.
 */
export function surveyOf(graph: Graph, sizes: Bindings = {}, captured: Captured = new Map()): Survey {
  const stored = new Map<TensorId, Expression | undefined>();
  for (const [id, tensor] of graph.tensors.entries()) {
    const outer = captured.get(id);
    if (outer?.kind === "stored") stored.set(id, outer.bytes);
    else if (outer === undefined && (tensor.origin === "weight" || tensor.origin === "constant")) stored.set(id, knownBytes(tensor));
  }
  const folded = new Set<Operator>();
  const states = new Set([...captured].flatMap(([id, { kind }]) => (kind === "state" ? [id] : [])));
  for (const operator of graph.operators) {
    for (const { tensor } of operator.accesses) if (tensor !== undefined) states.add(tensor);
    const inputs = operator.inputs.filter((id) => id !== undefined);
    if (!foldsAway(operator) || !inputs.every((id) => stored.has(id))) continue;
    folded.add(operator);
    const from = sumOfKnown([...new Set(inputs)].map((id) => stored.get(id)));
    for (const id of operator.outputs) if (id !== undefined) stored.set(id, smaller(knownBytes(graph.tensors[id]!), from));
  }
  return { graph, sizes, stored, folded, states, works: new Map(), inner: new Map() };
}

function smaller(made: Expression | undefined, from: Expression | undefined): Expression | undefined {
  const [a, b] = [made && constantOf(made), from && constantOf(from)];
  if (made === undefined || from === undefined || b === undefined) return made;
  return a !== undefined && b < a ? from : made;
}
