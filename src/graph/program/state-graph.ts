import { HeddleError } from "../../base/heddle-error.ts";
import { constant, symbol } from "../ir/expression.ts";
import type { Graph, Operator, Tensor, TensorId } from "../ir/graph.ts";
import { stateOutputs } from "./state-operators.ts";
import { STATE_DOMAIN, type StateProgram } from "./state-spec.ts";

/** The graph of a state program. Errors: `graph-invalid` for unknown or doubled names and for operators that do not take what they are given. */
export function stateGraph(described: StateProgram): Graph {
  const tensors: Tensor[] = [];
  const ids = new Map<string, TensorId>();
  const add = (tensor: Tensor): TensorId => {
    if (tensor.name === "" || ids.has(tensor.name)) throw invalid(tensor.name, "a value has a name of its own");
    ids.set(tensor.name, tensors.length);
    return tensors.push(tensor) - 1;
  };
  const idOf = (name: string): TensorId => {
    const id = ids.get(name);
    if (id === undefined) throw invalid(name, "nothing before it makes this value");
    return id;
  };
  const inputs = described.inputs.map(({ name, type, dims }) => {
    const shape = dims.map((dim) => (typeof dim === "number" ? constant(dim) : symbol(dim)));
    return add({ name, type, shape, origin: "input" });
  });
  const operators = described.operators.map((one, place): Operator => {
    const name = `${one.type}.${place}`;
    const read = one.inputs.map(idOf);
    const attributes = one.attributes ?? {};
    const forms = stateOutputs(one.type, {
      name,
      inputs: read.map((id) => ({ type: tensors[id]!.type, shape: tensors[id]!.shape! })),
      attributes,
    });
    if (one.outputs.length !== forms.length) throw invalid(name, `it has ${forms.length} outputs, ${one.outputs.length} are named`);
    const made = forms.map(({ type, shape }, i) => add({ name: one.outputs[i]!, type, shape, origin: "activation" }));
    return { name, type: one.type, domain: STATE_DOMAIN, inputs: read, outputs: made, attributes, accesses: [], scope: "" };
  });
  return {
    name: described.name,
    source: STATE_DOMAIN,
    tensors,
    operators,
    states: [],
    inputs,
    outputs: described.outputs.map(idOf),
  };
}

function invalid(where: string, detail: string): HeddleError {
  return new HeddleError("graph-invalid", { where: where.slice(0, 120), detail });
}
