import { constantOf } from "../../../graph/ir/expression.ts";
import type { Graph, Operator, OperatorId, TensorId } from "../../../graph/ir/graph.ts";
import { readBy } from "../../../graph/ir/read-by.ts";
import { programOf } from "../../../graph/program/program-of.ts";
import type { Support } from "../../device/device-driver.ts";
import type { NativeRuntime } from "./native-runtime.ts";

/**
 * Whether a runtime takes an operator, found by handing it a model of that operator alone.
 *
 * Model: answers are kept by type, attributes, element types, numbers of dimensions and what is stored; operators with bodies are asked one by one.
 */
export function operatorSupport(runtime: NativeRuntime): (graph: Graph, operator: OperatorId) => Support {
  const known = new Map<string, Support>();
  return (graph, id) => {
    const operator = graph.operators[id];
    if (operator === undefined) return { ok: false, reason: `the graph has no operator ${id}` };
    const program = programOf(graph);
    if (program === undefined) return { ok: false, reason: `a graph read from ${graph.source} has no ONNX model to run` };
    const held = runtime.apart?.(operator, graph) ?? untaken(runtime, graph, operator);
    if (held !== undefined) return { ok: false, reason: held };
    const key = operator.bodies === undefined ? signatureOf(graph, operator) : undefined;
    const before = key === undefined ? undefined : known.get(key);
    if (before !== undefined) return before;
    const reason = runtime.refusal(program.stage([id]).model);
    const support: Support = reason === undefined ? { ok: true } : { ok: false, reason };
    if (key !== undefined) known.set(key, support);
    return support;
  };
}

/** A tensor that could not be handed to the operator or taken from it. */
function untaken(runtime: NativeRuntime, graph: Graph, operator: Operator): string | undefined {
  const crosses = (id: TensorId | undefined): id is TensorId =>
    id !== undefined && graph.tensors[id]!.origin !== "weight" && graph.tensors[id]!.origin !== "constant";
  const inputs = new Set(readBy(operator).filter(crosses));
  for (const id of new Set([...inputs, ...operator.outputs.filter(crosses)])) {
    const { name, type } = graph.tensors[id]!;
    if ((runtime.types as ReadonlySet<string>).has(type)) continue;
    if (type !== "unknown") return `"${name}" is of ${type}, of which ${runtime.name} takes no tensors`;
    if (inputs.has(id)) return `the element type of "${name}" is not known`;
  }
  return undefined;
}

function signatureOf(graph: Graph, operator: Operator): string {
  const port = (id: TensorId | undefined): unknown => {
    if (id === undefined) return null;
    const { type, shape, origin } = graph.tensors[id]!;
    const stored = origin === "weight" || origin === "constant";
    return [type, shape?.length, stored, shape?.map((size) => constantOf(size) !== undefined)];
  };
  const { domain, type, attributes } = operator;
  return JSON.stringify([graph.source, domain, type, attributes, operator.inputs.map(port), operator.outputs.map(port)]);
}
