import type { Bindings, Expression } from "../graph/ir/expression.ts";
import type { Body, Graph, Operator, TensorId } from "../graph/ir/graph.ts";
import { foldsAway, keptPlaces } from "./flops/movement.ts";
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

/** Tensors of a body that stand for some of the graph around it: with their bytes where those are stored. */
export type Captured = ReadonlyMap<TensorId, { readonly bytes: Expression | undefined } | undefined>;

/**
 * Model: what depends on no input is made once, when the model is loaded. A weight that only changes its form on the way (dequantised, cast,
 * transposed, reshaped) is kept as it is stored and read so; anything else made of weights is kept as it was made.
 */
export function surveyOf(graph: Graph, sizes: Bindings = {}, captured: Captured = new Map()): Survey {
  const stored = new Map<TensorId, Expression | undefined>();
  for (const [id, tensor] of graph.tensors.entries()) {
    const outer = captured.get(id);
    if (outer !== undefined) stored.set(id, outer.bytes);
    else if (!captured.has(id) && (tensor.origin === "weight" || tensor.origin === "constant")) stored.set(id, knownBytes(tensor));
  }
  const folded = new Set<Operator>();
  const states = new Set<TensorId>();
  for (const operator of graph.operators) {
    for (const { tensor } of operator.accesses) if (tensor !== undefined) states.add(tensor);
    const inputs = operator.inputs.filter((id) => id !== undefined);
    if (!foldsAway(operator) || !inputs.every((id) => stored.has(id))) continue;
    folded.add(operator);
    const kept = keptPlaces(operator).flatMap((place) => operator.inputs[place] ?? []);
    const keptBytes = kept.length === 0 ? undefined : sumOfKnown(kept.map((id) => stored.get(id)));
    for (const id of operator.outputs) if (id !== undefined) stored.set(id, keptBytes ?? knownBytes(graph.tensors[id]!));
  }
  return { graph, sizes, stored, folded, states, works: new Map(), inner: new Map() };
}
