import { assert } from "../../base/assert.ts";
import type { Graph, Operator, OperatorId, State, StateId, Tensor, TensorId } from "./graph.ts";

/** Puts a graph together; readers add operators behind those whose outputs they read. */
export interface GraphBuilder {
  tensor(tensor: Tensor): TensorId;
  state(state: State): StateId;
  operator(operator: Operator): OperatorId;
  /** A tensor's type and shape, found after it was declared. */
  refine(tensor: TensorId, found: Pick<Tensor, "type" | "shape">): void;
  get(tensor: TensorId): Tensor;
  build(ends: Pick<Graph, "name" | "source" | "inputs" | "outputs">): Graph;
}

/** Errors: an assertion when an operator reads what nothing before it made, or a tensor is made twice. */
export function createGraphBuilder(): GraphBuilder {
  const tensors: Tensor[] = [];
  const states: State[] = [];
  const operators: Operator[] = [];
  const made = new Set<TensorId>();
  const add = <T>(list: T[], item: T): number => list.push(item) - 1;
  return {
    tensor: (tensor) => {
      const id = add(tensors, tensor);
      if (tensor.origin !== "activation") made.add(id);
      return id;
    },
    state: (state) => add(states, state),
    operator: (operator) => {
      for (const id of operator.inputs) {
        assert(id === undefined || made.has(id), "an operator reads what was made before it", { operator: operator.name, tensor: id });
      }
      for (const { state } of operator.accesses) assert(state < states.length, "a state is declared", { operator: operator.name, state });
      for (const id of operator.outputs) {
        if (id === undefined) continue;
        assert(!made.has(id), "a tensor is made once", { operator: operator.name, tensor: tensors[id]?.name });
        made.add(id);
      }
      return add(operators, operator);
    },
    refine: (tensor, found) => {
      tensors[tensor] = { ...tensors[tensor]!, ...found };
    },
    get: (tensor) => tensors[tensor]!,
    build: (ends) => {
      for (const id of ends.outputs) assert(made.has(id), "the graph makes what it gives", { tensor: tensors[id]?.name });
      return { ...ends, tensors, states, operators };
    },
  };
}
